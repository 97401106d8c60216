"""One person over several addresses: links, merges and their undoing, each in one transaction and in one log.

    link, unlink, forget    one address: whose it is
    merge, split            two customers who are one person, and are two again exactly as they were
    prove, identify         what an address has shown, and what it names
    share, unshare          several people write from there
    match                   the linking rules, within the guards
    tokens                  what the company's own systems say, each once
    acts                    what turns and arrivals leave to be done
    find, log, reviews      for people

Nothing is rewritten but `links` and what waits in the inbox. A link keeps its home; a merge is an edge between homes;
`links.customer_id`, by which everything finds its customer, is the smallest home that standing merges connect.
"""

from __future__ import annotations

from omnibot.store.identity.acts import NewAct
from omnibot.store.identity.find import Finding
from omnibot.store.identity.guards import Guards
from omnibot.store.identity.log import State
from omnibot.store.identity.tokens import Confirmed, Tokens
from omnibot.store.identity.values import (
    CUSTOMER,
    IMPORT,
    RULE,
    Act,
    AlreadyShared,
    AlreadyTheirs,
    Entry,
    Executed,
    HeldAddress,
    HeldIdentifier,
    IdentityError,
    ManyMerges,
    NothingToSplit,
    NotTheirs,
    OnItsOwn,
    OpenReview,
    Parted,
    Person,
    ReasonNeeded,
    Resolution,
    Ruling,
    StandingMerge,
    UnknownAddress,
    UnknownCustomer,
    UnknownMerge,
    UnknownReview,
    Verdict,
    Who,
)

__all__ = [
    "CUSTOMER",
    "IMPORT",
    "RULE",
    "Act",
    "AlreadyShared",
    "AlreadyTheirs",
    "Confirmed",
    "Entry",
    "Executed",
    "Guards",
    "HeldAddress",
    "HeldIdentifier",
    "Identity",
    "IdentityError",
    "ManyMerges",
    "NewAct",
    "NotTheirs",
    "NothingToSplit",
    "OnItsOwn",
    "OpenReview",
    "Parted",
    "Person",
    "ReasonNeeded",
    "Resolution",
    "Ruling",
    "StandingMerge",
    "State",
    "UnknownAddress",
    "UnknownCustomer",
    "UnknownMerge",
    "UnknownReview",
    "Verdict",
    "Who",
]


class Identity(Finding, Tokens):
    """Who is whom, in one database. All methods raise StoreUnavailable when it cannot be reached."""
