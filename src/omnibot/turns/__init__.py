"""What a turn is made of beside its sentence, `turn.py`: what waits, what may be known, where it pauses, what stays."""
