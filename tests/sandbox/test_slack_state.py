"""Who follows the events of the emulated Slack knows what its conversations hold."""

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule

from omnibot.sandbox.slack import Notice, SlackSandbox

WORDS = st.text(alphabet="abc *_<&>@#:", min_size=1, max_size=8)


class Follower:
    """What an app knows that hears every event and asks for nothing."""

    def __init__(self) -> None:
        self.known: dict[str, dict[str, str]] = {}
        self.mentions: set[str] = set()
        self.ids: set[str] = set()

    def hear(self, notice: Notice) -> None:
        assert notice.payload["event_id"] not in self.ids, "an event of its own has an id of its own"
        self.ids.add(notice.payload["event_id"])
        event = notice.payload["event"]
        room = self.known.setdefault(event["channel"], {})
        match event.get("subtype", event["type"]):
            case "app_mention":
                self.mentions.add(event["ts"])
            case "message_changed":
                assert room[event["message"]["ts"]] == event["previous_message"]["text"]
                room[event["message"]["ts"]] = event["message"]["text"]
            case "message_deleted":
                assert room.pop(event["deleted_ts"]) == event["previous_message"]["text"]
            case _:
                assert event["ts"] not in room
                room[event["ts"]] = event["text"]


class Conversation(RuleBasedStateMachine):
    """Two people and an app write, answer, edit and delete in a direct message and in a channel."""

    written = Bundle("written")

    def __init__(self) -> None:
        super().__init__()
        self.workspace = SlackSandbox().main
        self.people = [self.workspace.user("U0ADA", "ada"), self.workspace.user("U0BOB", "bob")]
        self.general = self.workspace.channel("C0GENERAL", "general", self.people)
        self.follower = Follower()
        self.workspace.app.tell = self.follower.hear

    @rule(target=written, who=st.sampled_from([0, 1]), text=WORDS, public=st.booleans())
    def write(self, who: int, text: str, public: bool) -> tuple[int, str, bool]:
        return who, self.people[who].write(text, self.general if public else None), public

    @rule(target=written, who=st.sampled_from([0, 1]), text=WORDS)
    def mention(self, who: int, text: str) -> tuple[int, str, bool]:
        return who, self.people[who].mention(text, self.general), True

    @rule(target=written, to=written, text=WORDS, broadcast=st.booleans())
    def answer(self, to: tuple[int, str, bool], text: str, broadcast: bool) -> tuple[int, str, bool]:
        who, ts, public = to
        room = self.general if public else self.workspace.direct(self.people[who].id)
        parent = room.messages.get(ts, {})
        if not parent or parent.get("subtype") == "tombstone":
            return to
        thread = parent.get("thread_ts", ts)
        return who, self.people[who].write(text, room, thread_ts=thread, broadcast=broadcast), public

    @rule(what=written, text=WORDS)
    def edit(self, what: tuple[int, str, bool], text: str) -> None:
        if self._is_there(what):
            self.people[what[0]].edit(what[1], text)

    @rule(what=written)
    def delete(self, what: tuple[int, str, bool]) -> None:
        if self._is_there(what):
            self.people[what[0]].delete(what[1])

    def _is_there(self, what: tuple[int, str, bool]) -> bool:
        messages = (message for room in self.workspace.rooms.values() for message in room.messages.values())
        return any(message["ts"] == what[1] and message.get("subtype") != "tombstone" for message in messages)

    @invariant()
    def who_follows_knows(self) -> None:
        for room in self.workspace.rooms.values():
            held = {ts: message["text"] for ts, message in room.messages.items()}
            assert self.follower.known.get(room.id, {}) == held

    @invariant()
    def answers_are_counted(self) -> None:
        for room in self.workspace.rooms.values():
            for message in room.messages.values():
                answers = room.thread(message["ts"])[1:]
                assert all(answer["thread_ts"] == message["ts"] for answer in answers)
                if message.get("thread_ts", message["ts"]) == message["ts"]:
                    assert message.get("reply_count", 0) == len(answers)


TestConversation = Conversation.TestCase
