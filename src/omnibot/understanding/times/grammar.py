"""How pieces make a time: one expression over their classes, for all languages.

A text of pieces is a string with one character a class, so the expression runs over some twenty characters and not
over the text. Names in lower case are classes of pieces, names in upper case are rules.
"""

from __future__ import annotations

import re

__all__ = ["COMMA", "DOT", "NAMING", "SIGNS", "TIME", "UNKNOWN"]

UNKNOWN, COMMA, DOT = "unknown", "comma", "dot"

_CLASSES = (
    *("unknown", "sign", "comma", "dot", "opaque", "idiom"),
    *(
        "by",
        "before",
        "until",
        "within",
        "in",
        "on",
        "at",
        "since",
        "for",
        "from",
        "after",
        "between",
        "over",
        "around",
    ),
    *("late", "less", "to", "and", "or", "of", "ofdet", "det", "dets", "art", "more"),
    *("this", "next", "coming", "qv", "last", "ago", "agopre", "later", "now", "every", "other", "rest"),
    *("end", "middle", "start", "oclock", "sharp", "past", "minus", "half", "quarter", "am", "pm", "zone"),
    *("num", "few", "ord", "nth", "year", "clock", "hm", "date", "iso", "md", "dec", "amount", "week_number"),
    *(
        "weekday",
        "short",
        "always",
        "dayparts",
        "workdays",
        "month",
        "day",
        "part",
        "manana",
        "noon",
        "edge",
        "holiday",
    ),
    *("unit", "hour", "h", "weekend"),
)

# Below 256, where a set of characters is a map of 32 bytes: the whole expression is 32 kB, and 59 above.
SIGNS = {name: chr(0xA1 + place) for place, name in enumerate(_CLASSES)}

_RULES = {
    "TIE": "(?:by|before|until|within|in|on|at|since|for|from|after|between|over|around|late|less|ofdet)",
    "DET": "(?:det|dets)",
    "OF": "(?:of DET?|ofdet|in DET?|DET)",
    "TO": "(?:to|until|and|or|at|on)",
    "NAME": "(?:weekday|short)",
    "PART": "(?:part|manana)",
    "OFPART": "(?:(?:in|for|at|of|on|from|by)? DET? PART)",
    # a day of a month, and from one to another
    "DAYNUM": "(?:ord|num|nth)",
    "YEAR": "(?:comma? (?:of|ofdet)? year)",
    "DATE": """(?:DAYNUM (?:of|ofdet)? month YEAR?|month DET? (?:ord|num|nth) YEAR?|month (?:of|ofdet)? year
                  |date|iso|md|dec)""",
    "DATES": """(?:DAYNUM (?:TO (?:DET|ofdet)? DAYNUM)+ (?:of|ofdet)? month YEAR?
                  |month num TO num YEAR?|DATE (?:TO DET? DATE)?)""",
    "ORDS": "(?:ord (?:TO DET? ord)?|(?<=det)num)",
    # days by their names
    "STEP": "(?:this|next|last|past|coming|qv)",
    "WEEKDAY": "(?:STEP NAME PART?|NAME (?:last|qv|next|coming)|NAME)",
    "WEEKDATE": "(?:WEEKDAY comma? (?:of|on)? DET? (?:DATES|ord|num(?!TO? num|hour|h|oclock|am|pm|comma? num)))",
    "LONG": "(?:unit|weekend|month|quarter|PART)",
    "PERIOD": "(?:STEP LONG|LONG (?:next|last|qv|coming))",
    "EDGED": "(?:PERIOD|DATE|month YEAR?|unit (?:OF (?:month|unit))?|quarter|weekend|day|year)",
    "EDGE": "(?:(?:end|middle|start) OF? EDGED|edge (?:of? month)?)",
    "DAY": """(?:WEEKDATE OFPART?|DATES OFPART?|(?:day|manana) OFPART?|WEEKDAY (?:OFPART|unit)?|dayparts|EDGE|PERIOD
                  |ORDS (?:OF (?:PERIOD|unit|month))?|(?<=det)PART|month|year|holiday|weekend
                  |week_number num|this PART)""",
    # an hour of a day
    "HOURTIE": "(?:at|from|after|around|before|by|between|until|in|on|of|ofdet)",
    "MINUTES": "(?:half|quarter|num(?!oclock|hour|h|am|pm))",
    "CLOSER": "(?:and? MINUTES|minus (?:num|quarter))",
    "PASTTO": "(?:past|after|to|before|for)",
    "HOURS": """(?:clock (?:am|pm|oclock|hour|h)?|hm (?:am|pm|oclock|hour|h)?|num (?:am|pm)|dec (?:oclock|am|pm)
                  |num (?:oclock|hour|h) CLOSER?|(?:half|(?:quarter|num unit?) PASTTO) (?:num|noon)
                  |quarter num|num num (?:am|pm)?|num and MINUTES|num minus (?:num|quarter)|noon (?:and half)?
                  |half past? num|num)""",
    "CLOCK": "(?:HOURS sharp? zone? (?:OFPART|this PART)?)",
    "CLOCKS": "(?:CLOCK (?:TO (?:DET|ofdet)? CLOCK)?)",
    # a length of time
    "NUM": "(?:num|art|few|half|dec)",
    "COUNT": "(?:NUM (?:(?:to|or|and|until) num)?|art few|NUM and? art? half)",
    "HOURED": "(?:at|before|until|after|from|between|dets)",  # behind these 17 h is an hour and no length
    "LENGTH": """(?:amount|(?<!HOURED)(?<!since)(?<!by)COUNT more? h|(?<!HOURED)COUNT more? hour (?:and? num unit)?
                  |COUNT more? unit (?:and? art? (?:half|quarter)|and? num unit)?)""",
    # what comes again
    "NAMES": "(?:(?:comma|and|or|to) DET? (?:NAME|always))",
    "EVERYDAY": """(?:(?:NAME|always|dayparts) OFPART? NAMES*|unit|hour|PART|weekend|workdays|num (?:unit|hour|h)
                  |(?:nth|ord|last) NAME (?:OF (?:unit|month))?|other (?:NAME|unit|hour|weekend) (?:OF unit)?|day)""",
}

_TIME = """
(?!(?:unknown|sign|comma|dot|opaque|idiom))
(?<tie>TIE? (?:around|late|less|at|on|from)* (?:det|dets(?!NAME|always))?)
(?:
  (?<every>every DET? EVERYDAY
    |(?:nth|ord|num|last) (?:NAME OF (?:every|dets)? unit|OF every unit)
    |NAME (?:to|until|at|on) (?:DET|ofdet)? NAME(?!TO? num)
    |always NAMES*|workdays|dets (?:NAME|always|PART) NAMES*)
  (?: comma? (?<everyclock>(?:HOURTIE around? DET?)? CLOCKS))?
|
  (?<pre>agopre around?)? DET? (?<length>(?:next|last|past|coming|rest of? (?:DET|this)?)? LENGTH)
  (?<after>ago|(?:from|of) now|(?:from|of)? day|(?:on)? (?:WEEKDAY|day)|from (?:DATE|WEEKDAY)|later)?
|
  (?<rest>rest OF? (?:this)? (?:unit|weekend|month|day))
|
  (?<day>DAY) (?: (?:comma|and(?=HOURTIE))? (?<clock>HOURTIE? around? DET? CLOCKS))?
|
  (?<clockfirst>CLOCKS) (?: comma? (?:on|of|in|ofdet)? DET? (?<dayafter>DAY))?
|
  (?<span>DET? (?:unit|hour|h))
)
"""


def _compiled(pattern: str) -> re.Pattern[str]:
    while True:
        widened = re.sub(r"(?<!<)\b[A-Z]{2,}\b", lambda name: _RULES[name[0]], pattern)
        if widened == pattern:
            break
        pattern = widened
    pattern = re.sub(r"\(\?<([a-z]+)>", r"(?P<\1>", pattern)
    pattern = re.sub(r"(?<!<)\b[a-z]\w*\b(?!>)", lambda name: SIGNS[name[0]], pattern)
    return re.compile(re.sub(r"\s+", "", pattern))


TIME = _compiled(_TIME)

# Of these classes each time has one, and what is said behind the last time of a text has mostly none.
NAMING = _compiled(
    """(?:num|ord|nth|year|clock|hm|date|iso|md|dec|amount|week_number|weekday|short|always|dayparts|workdays|month|day
    |part|manana|noon|edge|holiday|unit|hour|h|weekend|quarter)"""
)
