"""What turns are taken by, as the settings, the articles and the playbooks say."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import timedelta
from zoneinfo import ZoneInfo

from omnibot.app.people import business_hours, desk_rules, teams_of
from omnibot.app.rehearsal import rehearse
from omnibot.app.resources import Channels, shared_files, site_of
from omnibot.channels import load as load_channels
from omnibot.dialogue import Company, Knowledge, KnowledgeError, judged
from omnibot.dialogue import Linking as LinkingRules
from omnibot.identity.codes import Codes
from omnibot.intake.download import Downloads
from omnibot.learning import Lessons, playbooks_of
from omnibot.memory import Matters
from omnibot.model import Disclosure, File, Level, Limits, Proof
from omnibot.playbooks import PlaybookError, Playbooks
from omnibot.settings import Identity, Settings
from omnibot.store.work import CodeLimits
from omnibot.tokens import CodeLinks
from omnibot.turns.steps import Proofs, Steps
from omnibot.understanding import Catalogue, Understanding
from omnibot.understanding.intents import IntentModel
from omnibot.voice import Speaker, Voices


def new_steps(settings: Settings, channels: Channels) -> Steps:
    """What turns are taken by on these channels, warm, while no playbook is known yet; raises as `serve` does."""
    understanding = understanding_of(settings)
    speaker = speaker_of(settings, shared_files(settings).url)
    steps = Steps(
        understanding=understanding,
        company=_company(settings, channels, speaker),
        limits=limits_of(channels),
        speaker=speaker,
        disclosure=_disclosure(settings.identity),
        zone=ZoneInfo(settings.bot.zone),
        hours=business_hours(settings.bot.hours),
        proofs=_proofs(settings, channels),
        embed=understanding.embed,
        matters=_matters(timedelta(days=settings.cases.reopen_days), Playbooks()),
        desk=desk_rules(settings),
    )
    rehearse(steps)
    return steps


def steps_of(settings: Settings) -> Steps:
    """What turns are taken by, without opening a channel: for whoever looks what would be said.

    Raises as `serve` does.
    """
    secret, files, downloads = settings.load_secret(), shared_files(settings), Downloads()
    channels = {
        (one.channel, one.name): one.channel_class(site_of(one, settings, secret, files, downloads), one.settings)
        for one in load_channels(settings)
    }
    steps, rules = new_steps(settings, channels), Rules(settings)
    playbooks = rules.load()
    lessons = Lessons.of(playbooks, settings.data_folder)
    go_by(steps, rules, playbooks, lessons.model() or lessons.former_model())
    return steps


def speaker_of(settings: Settings, file_url: Callable[[File], str] = lambda _: "") -> Speaker:
    """Who speaks as these settings say; raises VoiceError."""
    bot = settings.bot
    return Speaker(
        bot.company,
        bot.name,
        bot.contact,
        file_url,
        voices=Voices.load(bot.voice, bot.languages),
        disclosure=bot.disclosures,
    )


def understanding_of(settings: Settings, more_languages: Iterable[str] = ()) -> Understanding:
    """What reads messages as these settings say; raises PipelineError for what they name and nobody has."""
    entities = settings.understanding.entities
    return Understanding(
        tuple(dict.fromkeys((*settings.bot.languages, *more_languages))),
        Catalogue(entities.products, entities.plans, entities.spellings, entities.patterns),
        model=settings.nlp.model,
        components=settings.nlp.components,
    )


def _proofs(settings: Settings, channels: Channels) -> Proofs:
    identity = settings.identity
    accounts = {name: account for name, account in reversed(list(channels))}  # the first of each that is configured
    return Proofs(
        codes=Codes(settings.load_secret(), identity.codes_tries),
        limits=CodeLimits(
            seconds=identity.codes_seconds,
            per_address=identity.codes_per_address,
            per_requester=identity.codes_per_requester,
            overall=identity.codes_overall,
        ),
        link=CodeLinks(settings.load_secret(), settings.server.public_url).url,
        accounts=accounts,
    )


class Rules:
    """The company's articles and playbooks, read and judged together: what one names the other must have."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.knowledge = Knowledge(())  # as it was read last

    def load(self) -> Playbooks:
        """Read both anew; raises PlaybookError with the faults of either, and then nothing has changed."""
        bot = self._settings.bot
        try:
            knowledge = Knowledge.load(bot.knowledge, bot.languages[0])
        except KnowledgeError as error:
            raise PlaybookError(error.faults) from error
        playbooks = playbooks_of(self._settings)
        if faults := judged(playbooks, knowledge, self._settings.desk.teams, contact=bool(bot.contact)):
            raise PlaybookError(faults)
        self.knowledge = knowledge
        return playbooks


def go_by(steps: Steps, rules: Rules, playbooks: Playbooks, model: IntentModel | None) -> None:
    """Take turns from now on by other files, and by intents that were learned from them."""
    steps.company = replace(steps.company, playbooks=playbooks, knowledge=rules.knowledge)
    steps.matters = _matters(steps.matters.reopen, playbooks)
    steps.understanding.adopt(model)


def _matters(reopen: timedelta, playbooks: Playbooks) -> Matters:
    return Matters(
        reopen=reopen,
        topics=playbooks.topics,
        earlier=playbooks.of_case("earlier"),
        none=playbooks.of_case("none"),
    )


def _company(settings: Settings, channels: Channels, speaker: Speaker) -> Company:
    return Company(
        Knowledge.load(settings.bot.knowledge, settings.bot.languages[0]),
        linking=LinkingRules(
            spell={name: type(channel).address for (name, _), channel in channels.items()},
            waits=[name for name, carries in limits_of(channels).items() if carries.window and not carries.knocks],
            minutes=max(1, round(settings.identity.codes_seconds / 60)),
        ),
        hours=business_hours(settings.bot.hours),
        zone=ZoneInfo(settings.bot.zone),
        teams=teams_of(settings),
        level=Level(settings.bot.level),
        registers={language: pack.register for language, pack in speaker.voices.packs.items()},
        desk=settings.desk.is_staffed,
    )


def _disclosure(identity: Identity) -> Disclosure:
    levels = identity.disclosure
    return Disclosure(
        name=Proof(levels.name),
        history=Proof(levels.history),
        account=Proof(levels.account),
        proof_days=identity.proof_days,
    )


def limits_of(channels: Channels) -> Mapping[str, Limits]:
    """What can be said on a channel by whichever account: the least of what its accounts carry."""
    limits: dict[str, Limits] = {}
    for (name, _), channel in channels.items():
        one, other = channel.limits, limits.get(name, channel.limits)
        limits[name] = replace(
            one,
            text=min(one.text, other.text),
            choices=min(one.choices, other.choices),
            choice_bytes=min(one.choice_bytes, other.choice_bytes),
            own_number=one.own_number and other.own_number,
            subject=one.subject and other.subject,
            files=min(one.files, other.files),
            file_bytes=min(one.file_bytes, other.file_bytes),
            file_types=tuple(kind for kind in one.file_types if kind in other.file_types),
            caption=min((c for c in (one.caption, other.caption) if c is not None), default=None),
            knocks=one.knocks and other.knocks,
        )
    return limits
