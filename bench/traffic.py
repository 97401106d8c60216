"""What a thousand customers write: support texts of some seventeen words, of many intents, so that replies differ."""

from __future__ import annotations

from collections.abc import Iterator

# Different customers begin at different places, so that at any time all intents are under way.
TEXTS = (
    "Hello, I forgot my password this morning and the reset link in your email {n} has already expired.",
    "Why is my bill {n} dollars higher this month? I did not change anything and nobody told me.",
    "Hi there, how do I invite two colleagues to our workspace {n} and make one of them an admin?",
    "Where can I find the invoice number {n} from last month? My accountant needs it as a PDF today.",
    "Could you tell me how to export all our data as CSV before we archive project {n} next week?",
    "I got a new phone and the authenticator app is empty, where are the recovery codes for account {n}?",
    "Our integration gets error 429 about {n} times an hour, what are the API rate limits on our plan?",
    "I would like to upgrade workspace {n} to the Pro plan, how do I change it and what happens then?",
    "What are your opening hours this weekend? I would like to talk to somebody about order {n} by phone.",
    "How do I cancel the subscription for workspace {n}, and do I get a refund for the rest of it?",
    "Thank you so much, that was really helpful and quick, project {n} works perfectly now, have a great day!",
    "I am very disappointed, parcel {n} arrived broken and your courier was rude to my wife at the door.",
    "The dashboard has been loading for {n} minutes and everything is down, this is urgent, we are losing customers!",
    "My colleague still did not get the invitation that I sent {n} hours ago, could you please check it?",
    "How do I turn on two-factor authentication for all {n} people in our team without locking anyone out?",
    "Can I switch from monthly to yearly billing for {n} seats, and how much would we save by that?",
    "Hola, olvidé mi contraseña esta mañana y el enlace número {n} para restablecerla ya ha caducado, ¿qué hago?",
    "Buenas tardes, ¿por qué mi factura {n} es más alta este mes si no he cambiado nada del plan?",
    "¿Cuál es su horario de atención este fin de semana? Quisiera hablar con alguien sobre el pedido {n}.",
    "Quiero cancelar mi suscripción {n} cuanto antes, ¿cómo lo hago y me devuelven el dinero que he pagado?",
)
_STRIDE = 7  # coprime to the number of texts: a customer's messages differ too


def texts(customer: int) -> Iterator[str]:
    """What one customer writes, without end."""
    number = customer
    while True:
        yield TEXTS[number % len(TEXTS)].format(n=1000 + number * 37 % 9000)
        number += _STRIDE
