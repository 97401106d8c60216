"""Times in four languages: what customers write, and the moment that they mean by it.

It is Wednesday, 12 March 2025, 10:15 in New York. What stands behind an arrow was reckoned by the conventions of
training/labelled/README.md, not taken from the reader.
"""

from datetime import date, datetime, time
from zoneinfo import ZoneInfo

import pytest
from tests.understanding.times.reading import NEW_YORK, TIMES, read, told, utterance

from omnibot.model import BusinessHours, TimeKind

ENGLISH = """
I need this by Friday 5pm → deadline 2025-03-14 17:00:00
please deliver by 5 p.m. tomorrow → deadline 2025-03-13 17:00:00
could it be here by 8 am Friday → deadline 2025-03-14 08:00:00
We need it before the 15th → deadline 2025-03-14 23:59:59
before Friday noon please → deadline 2025-03-14 12:00:00
before Thursday evening → deadline 2025-03-13 18:00:00
on or before April 1 → deadline 2025-04-01 23:59:59
Deadline: March 20, 2025 → deadline 2025-03-20 23:59:59
Due 3/14 → deadline 2025-03-14 23:59:59
It is due on 14.03. → deadline 2025-03-14 23:59:59
by 03/05/2026 → deadline 2026-03-05 23:59:59
by the 20th of March → deadline 2025-03-20 23:59:59
within 48 hours → deadline 2025-03-14 10:15:00
reply within the hour → deadline 2025-03-12 11:15:00
within 3 days please → deadline 2025-03-15 23:59:59
within 5 business days → deadline 2025-03-19 18:00:00
within the next few days → deadline ?
Need this fixed by EOD → deadline 2025-03-12 18:00:00
by COB Friday please → deadline 2025-03-14 18:00:00
by the end of business today → deadline 2025-03-12 18:00:00
by the end of the week → deadline 2025-03-14 18:00:00
before the end of the month → deadline 2025-03-31 23:59:59
by end of Q2 → deadline 2025-06-30 23:59:59
by the end of next week → deadline 2025-03-21 18:00:00
by the weekend → deadline 2025-03-14 23:59:59
by July → deadline 2025-07-31 23:59:59
by 2026 → deadline 2026-12-31 23:59:59
by midnight tonight → deadline 2025-03-12 23:59:59
until Friday morning → deadline 2025-03-14 12:00:00
I must know by this time tomorrow → deadline 2025-03-13 10:15:00
Friday at the latest → deadline 2025-03-14 23:59:59
My subscription expires in 5 days → deadline 2025-03-17 23:59:59
The sale ends Sunday → deadline 2025-03-16 23:59:59
I need help tonight → deadline 2025-03-12 23:59:59
boss wants it first thing tomorrow → deadline 2025-03-13 09:00:00
my warranty runs out a week today → deadline 2025-03-19 23:59:59
I want it by Tuesday week → deadline 2025-03-25 23:59:59
before Christmas → deadline 2025-12-24 23:59:59
by half past eleven → deadline 2025-03-12 11:30:00
the exam starts, I have less than 90 minutes → deadline 2025-03-12 11:45:00
You have ten working days → deadline 2025-03-26 18:00:00
within 1 business day → deadline 2025-03-13 18:00:00
access by 8:30am Monday, March 17 → deadline 2025-03-17 08:30:00
the meeting got moved to Thursday at 2 → future 2025-03-13 14:00:00
I'm not available until next week → future 2025-03-17 00:00:00
my order from February 20 has not shipped → past 2025-02-20 00:00:00
tomorrow's flight is cancelled → future 2025-03-13 00:00:00
in two weeks I travel → future 2025-03-26 00:00:00
my interview is in 45 minutes → future 2025-03-12 11:00:00
we start in 2.5 hours → future 2025-03-12 12:45:00
in an hour and a half we start → future 2025-03-12 11:45:00
in a few days → future ?
call me at noon → future 2025-03-12 12:00:00
My flight leaves at 6 → future 2025-03-12 18:00:00
I fly tomorrow at 6:40 am → future 2025-03-13 06:40:00
see you at quarter to five → future 2025-03-12 16:45:00
at ten past eleven we begin → future 2025-03-12 11:10:00
at seven thirty tonight → future 2025-03-12 19:30:00
a table at 5-6pm → future 2025-03-12 17:00:00
between 10 and 2pm tomorrow → future 2025-03-13 10:00:00
we play tonight at 1 → future 2025-03-13 01:00:00
at midnight the site moves → future 2025-03-13 00:00:00
Meeting on 2025-03-14 at 10am → future 2025-03-14 10:00:00
it is planned for 2025-03-14T16:30 → future 2025-03-14 16:30:00
we go live on 17-Mar-2025 → future 2025-03-17 00:00:00
we meet on 3/17/25 → future 2025-03-17 00:00:00
we meet Mon 17 Mar at 2300hrs → future 2025-03-17 23:00:00
Friday the 14th at 9 → future 2025-03-14 09:00:00
my wedding is on the 22nd → future 2025-03-22 00:00:00
the 27th or the 28th would do → future 2025-03-27 00:00:00
on june fifth → future 2025-06-05 00:00:00
we travel from 7 to 21 June → future 2025-06-07 00:00:00
we are closed December 22 to January 2 → future 2025-12-22 00:00:00
starting next Monday → future 2025-03-17 00:00:00
next Friday → future 2025-03-21 00:00:00
this Friday → future 2025-03-14 00:00:00
next weekend → future 2025-03-22 00:00:00
in mid-April → future 2025-04-15 00:00:00
at the beginning of May → future 2025-05-01 00:00:00
next month we move → future 2025-04-01 00:00:00
the week after next → future 2025-03-24 00:00:00
on Thanksgiving → future 2025-11-27 00:00:00
at Easter we are away → future 2025-04-20 00:00:00
are you open on Memorial Day? → future 2025-05-26 00:00:00
a week from Friday → future 2025-03-21 00:00:00
three weeks from tomorrow → future 2025-04-03 00:00:00
I'm abroad until the 28th → future 2025-03-28 00:00:00
before Tuesday I can't decide → future 2025-03-18 00:00:00
I'll do it in the morning → future 2025-03-13 06:00:00
late on Saturday → future 2025-03-15 18:00:00
two days ago I ordered → past 2025-03-10 00:00:00
half an hour ago → past 2025-03-12 09:45:00
I ordered it last Friday → past 2025-03-07 00:00:00
our license expired on Saturday → past 2025-03-08 00:00:00
since 9am today → past 2025-03-12 09:00:00
no signal since Sunday evening → past 2025-03-09 18:00:00
I paid on 5 March → past 2025-03-05 00:00:00
I paid on the 20th → past 2025-02-20 00:00:00
it was due on 30 December → past 2024-12-30 00:00:00
I had it since 2011 → past 2011-01-01 00:00:00
I cancelled in January → past 2025-01-01 00:00:00
We moved last month → past 2025-02-01 00:00:00
it ran out on the weekend → past 2025-03-08 00:00:00
last night it broke → past 2025-03-11 18:00:00
the office called at 8 → past 2025-03-12 08:00:00
it was due by 1 March 2025 → past 2025-03-01 00:00:00
you told me it would be here by Tuesday → past 2025-03-11 00:00:00
after Christmas it broke → past 2024-12-25 00:00:00
I've been waiting for 3 weeks → duration 2025-02-19 00:00:00
it's been two hours → duration 2025-03-12 08:15:00
for the past 2 weeks it failed → duration 2025-02-26 00:00:00
it took three hours → duration ?
could you extend it by two weeks → duration ?
we are camping for a week → duration 2025-03-19 00:00:00
I'm off for the rest of the week → duration 2025-03-16 00:00:00
it failed in 2 minutes → duration ?
Every Monday the server fails → recurring 2025-03-17 00:00:00
each Friday around 5 → recurring 2025-03-14 17:00:00
every evening at 8 → recurring 2025-03-12 20:00:00
every day at 6am → recurring 2025-03-13 06:00:00
every weekday at 9:30 → recurring 2025-03-13 09:30:00
call Mon-Fri after 3pm → recurring 2025-03-12 15:00:00
every Sunday and Monday → recurring 2025-03-16 00:00:00
do you work on weekends → recurring 2025-03-15 00:00:00
every weekend → recurring 2025-03-15 00:00:00
first Sunday of every month → recurring 2025-04-06 00:00:00
every second Tuesday of the month → recurring 2025-04-08 00:00:00
on the 8th of every month → recurring 2025-04-08 00:00:00
every night → recurring 2025-03-12 18:00:00
every other Thursday → recurring ?
every second Thursday → recurring ?
every 40 minutes → recurring ?
every month → recurring ?
every business day at 9 → recurring 2025-03-13 09:00:00
the last Friday of every month → recurring 2025-03-28 00:00:00
in a week and a half → future 2025-03-22 00:00:00
in 1.5 years → future 2026-09-12 00:00:00
in 2 hours 30 minutes → future 2025-03-12 12:45:00
in an hour and a quarter → future 2025-03-12 11:30:00
in two and a half hours → future 2025-03-12 12:45:00
36 hours from Monday → future 2025-03-19 00:00:00
on the 5th of next month → future 2025-04-05 00:00:00
on the 5th of last month → past 2025-02-05 00:00:00
the site is down since midnight → past 2025-03-12 00:00:00
it must be here by 9 am → deadline 2025-03-13 09:00:00
by 9 → deadline 2025-03-12 21:00:00
at 12:30 → future 2025-03-12 12:30:00
from Monday at 12 → future 2025-03-17 12:00:00
by October 5, 1999 → past 1999-10-05 00:00:00
I wrote on 2/9 → past 2025-02-09 00:00:00
the day before yesterday → past 2025-03-10 00:00:00
on New Year's Eve → future 2025-12-31 00:00:00
"""

SPANISH = """
Lo necesito para el viernes a las 5 de la tarde → deadline 2025-03-14 17:00:00
antes de las 3 → deadline 2025-03-12 15:00:00
antes del 20/03 → deadline 2025-03-19 23:59:59
hasta el 15 de abril → deadline 2025-04-15 23:59:59
antes de fin de mes → deadline 2025-03-31 23:59:59
vence hoy → deadline 2025-03-12 23:59:59
lo quiero a primera hora de la mañana → deadline 2025-03-13 09:00:00
el lunes que viene → future 2025-03-17 00:00:00
el próximo viernes → future 2025-03-14 00:00:00
la próxima semana → future 2025-03-17 00:00:00
mi cita es el jueves a las 15:30 → future 2025-03-13 15:30:00
mañana por la tarde a las 4 → future 2025-03-13 16:00:00
a las once menos cuarto → future 2025-03-12 10:45:00
a las once y diez → future 2025-03-12 11:10:00
a las once menos diez → future 2025-03-12 10:50:00
a las once y media → future 2025-03-12 11:30:00
entre las 2 y las 4 → future 2025-03-12 14:00:00
del 9 al 12 de mayo → future 2025-05-09 00:00:00
a partir del 1 de mayo → future 2025-05-01 00:00:00
pagué el 3 y nada → past 2025-03-03 00:00:00
el viernes pasado compré → past 2025-03-07 00:00:00
pedí esto hace 2 semanas → past 2025-02-26 00:00:00
hace tres días que no funciona → duration 2025-03-09 00:00:00
Llevamos tres días esperando → duration 2025-03-09 00:00:00
los lunes y jueves entreno → recurring 2025-03-13 00:00:00
todos los lunes → recurring 2025-03-17 00:00:00
cada mañana → recurring 2025-03-13 06:00:00
"""

GERMAN = """
bezahlt am 3., steht noch offen → past 2025-03-03 00:00:00
Ich brauche es bis Freitag 17 Uhr → deadline 2025-03-14 17:00:00
bis zum 15.04. → deadline 2025-04-15 23:59:59
bis spätestens Montag → deadline 2025-03-17 23:59:59
innerhalb von 48 Stunden → deadline 2025-03-14 10:15:00
bis Ende der Woche → deadline 2025-03-14 18:00:00
bis Ende des Monats → deadline 2025-03-31 23:59:59
bis Donnerstagmittag → deadline 2025-03-13 12:00:00
heute bis 15 Uhr → deadline 2025-03-12 15:00:00
bis Feierabend → deadline 2025-03-12 18:00:00
in zwei Wochen fliege ich → future 2025-03-26 00:00:00
in anderthalb Stunden → future 2025-03-12 11:45:00
am Donnerstag um halb neun → future 2025-03-13 08:30:00
um viertel vor elf → future 2025-03-12 10:45:00
um viertel nach elf → future 2025-03-12 11:15:00
nächsten Freitag → future 2025-03-21 00:00:00
kommenden Freitag → future 2025-03-14 00:00:00
Samstag, den 22. → future 2025-03-22 00:00:00
in KW 13 → future 2025-03-24 00:00:00
in KW 2 → future 2026-01-05 00:00:00
heute Nachmittag um 3 → future 2025-03-12 15:00:00
morgen früh → future 2025-03-13 06:00:00
vor zwei Tagen bestellt → past 2025-03-10 00:00:00
die Lizenz ist am Samstag abgelaufen → past 2025-03-08 00:00:00
die Rechnung vom 12. Februar → past 2025-02-12 00:00:00
Ich warte seit drei Wochen → duration 2025-02-19 00:00:00
sonntags → recurring 2025-03-16 00:00:00
jeden ersten Dienstag im Monat → recurring 2025-04-01 00:00:00
jeden Freitagabend → recurring 2025-03-14 18:00:00
"""

FRENCH = """
Il me le faut pour vendredi 17h → deadline 2025-03-14 17:00:00
avant lundi → deadline 2025-03-16 23:59:59
d'ici 48 heures → deadline 2025-03-14 10:15:00
jusqu'au 15 avril → deadline 2025-04-15 23:59:59
sous 5 jours ouvrés → deadline 2025-03-19 18:00:00
en fin de journée il me le faut → deadline 2025-03-12 18:00:00
l'offre expire demain → deadline 2025-03-13 23:59:59
dans deux semaines je pars → future 2025-03-26 00:00:00
appelez-moi à 17h → future 2025-03-12 17:00:00
à onze heures et demie → future 2025-03-12 11:30:00
à onze heures moins dix → future 2025-03-12 10:50:00
à onze heures moins le quart → future 2025-03-12 10:45:00
à midi et demi → future 2025-03-12 12:30:00
à onze heures et quart → future 2025-03-12 11:15:00
cet après-midi à 15h → future 2025-03-12 15:00:00
lundi prochain → future 2025-03-17 00:00:00
du 19 au 23 mars → future 2025-03-19 00:00:00
mi-octobre → future 2025-10-15 00:00:00
il y a deux jours → past 2025-03-10 00:00:00
la facture du 12 février → past 2025-02-12 00:00:00
j'attends depuis 9h → past 2025-03-12 09:00:00
j'attends depuis trois semaines → duration 2025-02-19 00:00:00
le dimanche pas de bus → recurring 2025-03-16 00:00:00
tous les lundis → recurring 2025-03-17 00:00:00
du lundi au vendredi dès 11h → recurring 2025-03-12 11:00:00
"""

NO_TIMES = """
May I ask a question?
My son is 19 years old
I have a 19 year old son
open 24/7?
I use Ubuntu 12.04
we are on 3.12
it costs $15.99
my number is 555-0199
call me at 555 0199
order 20250314 is missing
order #110325
April said she would help
June from support was great
give me a second
March on!
I sat down
the sun is out
in no time
one day I will leave
at the end of the day it's your fault
day one was good
last but not least
monday.com import fails
2nd attempt
a 30 day trial
your 14-day return policy
Windows 10
I need 3 seats at 5 dollars
my address is 12 May Street
I've tried 5 times
at 5 stars
the 3rd party app
5 to 10 people
the 9 to 5 grind
50% off
size 8/9 for women
between 4 and 6 people
score was 3-2
16:9 or 4:3
before I forget
until you fix it
every time
24 hours a day, 7 days a week
the 5th edition
the Sunday Market stand
our cat's called Tuesday
is "Tomorrow" the font?
asap!!
whenever
soon?
not now
a month's rent
1/2 kg more
IP 10.0.12.25
version 25/13/99
in a minute
next day delivery
the 42nd floor
45/45
can two people edit at the same time?
I'd like forty of them
this one has six strings, that one twelve
"""


def lines(table: str) -> list[tuple[str, str]]:
    rows = (line.partition(" → ") for line in table.strip().splitlines())
    return [(text, meant) for text, _, meant in rows]


@pytest.mark.parametrize(("text", "meant"), lines(ENGLISH))
def test_english(text: str, meant: str) -> None:
    assert told(read(text)) == [meant]


@pytest.mark.parametrize(("text", "meant"), lines(SPANISH))
def test_spanish(text: str, meant: str) -> None:
    assert told(read(text, "es")) == [meant]


@pytest.mark.parametrize(("text", "meant"), lines(GERMAN))
def test_german(text: str, meant: str) -> None:
    assert told(read(text, "de")) == [meant]


@pytest.mark.parametrize(("text", "meant"), lines(FRENCH))
def test_french(text: str, meant: str) -> None:
    assert told(read(text, "fr")) == [meant]


@pytest.mark.parametrize("text", NO_TIMES.strip().splitlines())
def test_what_looks_like_a_time_and_is_none(text: str) -> None:
    assert read(text) == ()


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Frau März war sehr nett", "de"),
        ("Herr Freitag hat mich falsch verbunden", "de"),
        ("Straße des 17. Juni 135", "de"),
        ("am Ende des Tages zahle ich das", "de"),
        ("Abril, de facturación, fue muy amable", "es"),
        ("pregunto por Julio, su compañero", "es"),
        ("calle 9 de Julio 1250", "es"),
        ("rue du 4 Septembre, au 27", "fr"),
        ("le film de 2 heures coupe au milieu", "fr"),
        ("Monsieur Vendredi m'a mal orienté", "fr"),
    ],
)
def test_names_and_idioms_of_other_languages_are_no_times(text: str, language: str) -> None:
    assert read(text, language) == ()


def test_accents_may_be_missing() -> None:
    assert told(read("el miercoles no puedo", "es"))[0] == "future 2025-03-19 00:00:00"
    assert told(read("bis zum 5. Maerz 2026", "de")) == ["deadline 2026-03-05 23:59:59"]
    assert told(read("avant le 5 fevrier 2026", "fr")) == ["deadline 2026-02-04 23:59:59"]


def test_a_time_stands_in_the_original_with_the_words_that_tie_it_to_the_sentence() -> None:
    text = "Payroll 🎉 has to go out by Thursday COB, please"
    (named,) = read(text)
    assert (named.text, named.kind) == ("by Thursday COB", TimeKind.DEADLINE)
    assert text[named.start : named.end] == named.text


def test_several_times_come_in_the_order_of_the_text() -> None:
    found = read(
        "The technician was here on Monday. I have an interview tomorrow at 1:30 pm; somebody here by Friday evening!"
    )
    assert [named.text for named in found] == ["on Monday", "tomorrow at 1:30 pm", "by Friday evening"]
    assert told(found) == ["past 2025-03-10 00:00:00", "future 2025-03-13 13:30:00", "deadline 2025-03-14 23:59:59"]


def test_an_hour_is_one_of_the_day_that_the_sentence_has_named() -> None:
    assert told(read("The party is on Sunday, can the cake be there by ten?"))[1] == "deadline 2025-03-16 10:00:00"
    assert told(read("The party is on Sunday. I am in by eleven."))[1] == "deadline 2025-03-12 11:00:00"


def test_from_and_till_are_two_times_and_a_length_begins_with_the_day_behind_it() -> None:
    assert told(read("power was off from 2am till 5")) == ["past 2025-03-12 02:00:00", "past 2025-03-12 05:00:00"]
    assert told(read("I need the room for four nights from 19 June")) == [
        "duration 2025-06-23 00:00:00",
        "future 2025-06-19 00:00:00",
    ]


def test_who_says_end_of_day_after_hours_means_what_is_left_of_the_day() -> None:
    late = datetime(2025, 3, 12, 20, 0, tzinfo=NEW_YORK)
    assert told(read("by EOD", now=late)) == ["deadline 2025-03-12 23:59:59"]
    saturday = datetime(2025, 3, 15, 12, 0, tzinfo=NEW_YORK)
    assert told(read("by the end of the week", now=saturday)) == ["deadline 2025-03-16 23:59:59"]


def test_the_company_has_its_own_hours_days_and_holidays() -> None:
    hours = BusinessHours(
        opens=time(8), closes=time(16), days=frozenset(range(6)), holidays=frozenset({date(2025, 3, 13)})
    )
    assert told(read("by EOD", hours=hours)) == ["deadline 2025-03-12 16:00:00"]
    assert told(read("within 2 business days", hours=hours)) == ["deadline 2025-03-15 16:00:00"]
    assert told(read("by the end of the week", hours=hours)) == ["deadline 2025-03-15 16:00:00"]
    assert told(read("I want it first thing tomorrow", hours=hours)) == ["deadline 2025-03-13 08:00:00"]


def test_a_company_that_never_works_has_business_days_all_the_same() -> None:
    assert told(read("within 2 business days", hours=BusinessHours(days=frozenset())))[0].startswith("deadline 2025")
    assert told(read("by the end of the week", hours=BusinessHours(days=frozenset()))) == [
        "deadline 2025-03-14 18:00:00"
    ]


def test_the_month_comes_first_in_america_and_in_english_alone() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    now = datetime(2025, 3, 12, 10, 15, tzinfo=berlin)
    assert told(read("by 05/06/2025")) == ["deadline 2025-05-06 23:59:59"]
    assert told(read("by 05/06/2025", now=now)) == ["deadline 2025-06-05 23:59:59"]
    assert told(read("hasta el 05/06/2025", "es")) == ["deadline 2025-06-05 23:59:59"]
    assert told(read("by 25/06/2025")) == ["deadline 2025-06-25 23:59:59"]  # there is no other way to read it
    mexico = datetime(2025, 3, 12, 10, 15, tzinfo=ZoneInfo("America/Mexico_City"))
    assert told(read("by 05/06/2025", now=mexico)) == ["deadline 2025-06-05 23:59:59"]


def test_without_words_for_a_language_full_dates_are_read_all_the_same() -> None:
    assert told(read("graag voor 2025-03-20 leveren", "nl")) == ["future 2025-03-20 00:00:00"]
    assert read("graag voor vrijdag leveren", "nl") == ()
    assert [named.text for named in TIMES.read(utterance("order 12 staat op 14:30", "nl"))] == ["14:30"]


def test_a_flood_of_times_is_cut_off() -> None:
    assert len(read("by Friday 5pm, " * 200)) == 20
    assert read("5 " * 1500) == ()
