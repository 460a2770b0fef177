import random
from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.depth import depth
from tests.engine.bench import GREEDY, Bench, question, reply
from tests.engine.scripted import END, Script
from tui.conversation.conversation import Message
from tui.engine.protocol import (
    Failed,
    Finished,
    Generate,
    KnobsTurned,
    Preview,
    Previewed,
    ReplyRequest,
    SetKnobs,
    Stop,
)
from tui.knobs.table import Knobs, turn

WARM = turn(Knobs(), temperature=1.5, seed=7, top_k=0, top_p=1.0, min_p=0.0)
TEXT = Script().replies[0]


def test_a_reply_is_what_the_script_says(bench: Bench) -> None:
    bench.ask(reply())
    bench.run()
    done = bench.finished("a")
    assert (done.text, done.ending, done.seed) == (TEXT, "stop", 1)
    assert bytes(done.tokens).decode() == TEXT
    assert done.stats.generated_tokens == len(TEXT) + 1  # the token that ends it is one too
    assert [token.index for token in bench.tokens()["a"]] == list(range(len(TEXT) + 1))
    assert bench.tokens()["a"][-1].trace.id == END


def test_equal_settings_never_part_and_are_decoded_once(bench: Bench) -> None:
    bench.ask(reply("a", WARM), reply("b", WARM))
    bench.run()
    alone = Bench(Script())
    alone.ask(reply("a", WARM))
    alone.run()
    assert bench.finished("a").tokens == bench.finished("b").tokens == alone.finished("a").tokens
    assert bench.backend.decoded == alone.backend.decoded


def test_sides_see_the_same_logits_until_they_part(bench: Bench) -> None:
    bench.ask(reply("a", GREEDY), reply("b", WARM))
    bench.run()
    a, b = bench.tokens()["a"], bench.tokens()["b"]
    parted = next(i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x.trace.id != y.trace.id)
    for x, y in zip(a[: parted + 1], b[: parted + 1], strict=True):
        raw = {candidate.id: candidate.p_raw for candidate in x.trace.candidates}
        shared = [candidate for candidate in y.trace.candidates if candidate.id in raw]
        assert len(shared) >= 20
        assert all(candidate.p_raw == raw[candidate.id] for candidate in shared)


def test_a_parted_reply_is_the_one_it_would_be_alone(bench: Bench) -> None:
    bench.ask(reply("a", GREEDY), reply("b", WARM))
    bench.run()
    alone = Bench(Script())
    alone.ask(reply("b", WARM))
    alone.run()
    assert bench.finished("b").tokens == alone.finished("b").tokens


def test_a_knob_acts_on_the_very_next_token(bench: Bench) -> None:
    bench.ask(reply("a", GREEDY))
    while len(bench.tokens()["a"]) < 5:
        bench.scheduler.step()
    hot = turn(WARM, seed=1)
    bench.scheduler.set_knobs(SetKnobs("a", hot))
    bench.scheduler.step()
    (turned,) = [event for event in bench.events if isinstance(event, KnobsTurned)]
    assert (turned.index, turned.before, turned.after) == (5, GREEDY, hot)
    tokens = bench.tokens()["a"]
    assert tokens[4].trace.p == 1.0
    assert tokens[5].trace.entropy > 0


def test_a_knob_turned_to_where_it_is_leaves_no_mark(bench: Bench) -> None:
    bench.ask(reply("a", GREEDY))
    bench.scheduler.step()
    bench.scheduler.set_knobs(SetKnobs("a", turn(GREEDY, seed=-1)))
    bench.run()
    assert not [event for event in bench.events if isinstance(event, KnobsTurned)]


def test_stop_keeps_the_text_and_the_engine_goes_on(bench: Bench) -> None:
    bench.ask(reply("a"))
    while len(bench.tokens()["a"]) < 3:
        bench.scheduler.step()
    bench.scheduler.stop(Stop("a"))
    assert (bench.finished("a").ending, bench.finished("a").text) == ("stopped", TEXT[:3])
    bench.ask(reply("b"))
    bench.run()
    assert bench.finished("b").text == TEXT


def test_c13_stop_storms_leave_the_context_right(bench: Bench) -> None:
    for number in range(50):
        bench.ask(reply(str(number), WARM, text="Hi" * (number % 5)))
        for _ in range(number % 7):
            bench.scheduler.step()
        bench.scheduler.stop(Stop(str(number)))
    bench.ask(reply("last"))
    bench.run()
    assert bench.finished("last").text == TEXT


def test_c16_num_predict_and_stop_texts_end_a_reply(bench: Bench) -> None:
    bench.ask(reply("a", turn(GREEDY, num_predict=4)), reply("b", turn(GREEDY, stop=("from",))))
    bench.ask(reply("c", turn(GREEDY, num_predict=0)))
    bench.run()
    assert (bench.finished("a").text, bench.finished("a").ending) == (TEXT[:4], "length")
    assert (bench.finished("b").text, bench.finished("b").ending) == ("Hello ", "stop")
    assert (bench.finished("c").text, bench.finished("c").ending) == ("", "length")


def test_the_next_turn_evaluates_only_what_is_new(bench: Bench) -> None:
    bench.ask(reply("a"))
    bench.run()
    said = (*question(), Message("assistant", TEXT, bench.finished("a").tokens), Message("user", "More"))
    before = bench.backend.decoded
    bench.ask(ReplyRequest("b", said, turn(GREEDY, num_predict=1)))
    bench.run()
    stats = bench.finished("b").stats
    assert stats.prompt_tokens - stats.reused_tokens == bench.backend.decoded - before
    assert stats.prompt_tokens - stats.reused_tokens < len("<|im_end|>\n..user\nMore..\n.assistant\n") + 4


def test_an_answer_anew_evaluates_one_prompt_token(bench: Bench) -> None:
    for name in ("a", "b", "c"):
        bench.ask(reply(name))
        bench.run()
    for name in ("b", "c"):
        stats = bench.finished(name).stats
        assert stats.prompt_tokens - stats.reused_tokens == 1


def test_a_look_shows_the_next_token_and_writes_nothing(bench: Bench) -> None:
    bench.scheduler.preview(Preview("1", question(), GREEDY))
    bench.scheduler.preview(Preview("2", question(), GREEDY))
    bench.run()
    (seen,) = bench.events
    assert isinstance(seen, Previewed)
    assert (seen.id, seen.trace.id) == ("2", -1)
    assert seen.trace.candidates[0].text == TEXT[0]
    bench.ask(reply())
    bench.run()
    assert bench.tokens()["a"][0].trace.candidates[0].p_raw == seen.trace.candidates[0].p_raw


def test_c07_a_prompt_longer_than_the_context_is_refused_with_both_numbers() -> None:
    bench = Bench(Script(context=64))
    bench.ask(reply(text="x" * 100))
    (failed,) = bench.events
    assert isinstance(failed, Failed)
    prompt = len(bench.backend.tokenize("<|im_start|>user\n<|im_end|>\n<|im_start|>assistant\n", special=True)) + 100
    assert f"is {prompt} tokens long and the context holds 64" in failed.reason


def test_c08_c16_a_reply_ends_where_the_context_does() -> None:
    bench = Bench(Script(replies=("y" * 500,), context=128))
    bench.ask(reply())
    bench.run()
    done = bench.finished("a")
    assert done.ending == "length"
    assert done.stats.prompt_tokens + done.stats.generated_tokens == 128


def test_what_is_copied_from_is_not_what_makes_room(bench: Bench) -> None:
    """Many chats under one opening, then back to the first: the engine evaluates what it says it has."""
    bench.backend.sequences = 3
    for text in ("a1", "b1", "c1", "a2", "d1", "a3", "b2"):
        bench.ask(reply(text, text=text))
        bench.run()
        assert bench.finished(text).text == TEXT


def test_a_full_context_lets_go_of_what_nobody_reads() -> None:
    bench = Bench(Script(context=200))
    for name in "abcdef":
        bench.ask(reply(name, text=name * 60))
        bench.run()
        assert bench.finished(name).text == TEXT


def test_a_full_context_ends_the_longest_reply_and_the_others_go_on() -> None:
    bench = Bench(Script(replies=("y" * 60, "z" * 60), context=150))
    bench.ask(reply("a", text="long " * 8), reply("b", text="x"))
    bench.run()
    assert bench.finished("a").ending == "length" and bench.finished("a").text
    assert bench.finished("b").text == "y" * 60


def test_a_prompt_that_finds_no_room_fails_and_the_others_go_on() -> None:
    bench = Bench(Script(replies=("y" * 40,), context=120))
    bench.ask(reply("a", text="x"))
    bench.scheduler.step()
    bench.ask(reply("b", text="long " * 18))
    bench.run()
    (failed,) = [event for event in bench.events if isinstance(event, Failed)]
    assert failed.id == "b" and "no room" in failed.reason
    assert bench.finished("a").text == "y" * 40


def test_a_template_that_makes_nothing_is_refused_and_does_not_spin() -> None:
    bench = Bench(Script(template="{% for m in messages %}{{ m['content'] }}{% endfor %}"))
    bench.scheduler.preview(Preview("1", (), GREEDY))
    assert [type(event) for event in bench.events] == [Failed]
    assert not bench.scheduler.busy


def test_text_held_back_for_a_stop_comes_with_the_end(bench: Bench) -> None:
    bench.ask(reply("a", turn(GREEDY, stop=("script.!",))))
    bench.run()
    done = bench.finished("a")
    assert "".join(token.text for token in bench.tokens()["a"]) + done.tail == done.text == TEXT
    assert done.tail == "script."


def test_c14_at_most_eight_replies_run_at_once(bench: Bench) -> None:
    bench.ask(*(reply(str(number), turn(WARM, seed=number)) for number in range(9)))
    bench.run()
    endings = Counter(type(event) for event in bench.events if isinstance(event, Finished | Failed))
    assert endings == {Finished: 8, Failed: 1}


@settings(max_examples=depth(12, 60))
@given(st.integers(0, 2**32), st.integers(2, 30))
def test_c14_joining_and_leaving_disturbs_nobody(seed: int, actions: int) -> None:
    """Whatever joins, leaves and turns beside it, a reply is the one it would be alone, and ends exactly once."""
    rng = random.Random(seed)
    bench = Bench(Script(replies=("abcdefgh" * 4, "01234567" * 3), context=rng.choice([700, 4096])))
    bench.backend.sequences = rng.choice([10, 16])  # at most nine are in use: eight replies and a look
    asked: dict[str, ReplyRequest] = {}
    disturbed: set[str] = set()
    for number in range(actions):
        action = rng.choice(["ask", "pair", "stop", "turn", "look", "step", "step", "step"])
        if action in ("ask", "pair"):
            text = rng.choice(["Hi", "Hi there", "x" * 300])
            news = [
                reply(f"{number}.{i}", turn(WARM, seed=rng.choice([1, 2]), num_predict=rng.choice([3, 40])), text)
                for i in range(2 if action == "pair" else 1)
            ]
            asked |= {each.id: each for each in news}
            bench.scheduler.generate(Generate(tuple(news)))
        elif action in ("stop", "turn") and asked:
            name = rng.choice(list(asked))
            disturbed.add(name)
            if action == "stop":
                bench.scheduler.stop(Stop(name))
            else:
                bench.scheduler.set_knobs(SetKnobs(name, turn(WARM, temperature=rng.choice([0.0, 3.0]))))
        elif action == "look":
            bench.scheduler.preview(Preview(f"look {number}", question(), WARM))
        else:
            bench.scheduler.step()
    bench.run()
    endings = Counter(event.id for event in bench.events if isinstance(event, Finished | Failed))
    assert endings == dict.fromkeys(asked, 1)
    for name, each in asked.items():
        done = [event for event in bench.events if isinstance(event, Finished) and event.id == name]
        if done and name not in disturbed and done[0].ending == "stop":
            alone = Bench(Script(replies=("abcdefgh" * 4, "01234567" * 3)))
            alone.ask(each)
            alone.run()
            assert done[0].tokens == alone.finished(name).tokens
