"""The whole screen over a scripted engine: what a person does, and what comes of it."""

import os
import signal
from pathlib import Path

import pytest
from textual import events
from textual.widgets import Input, OptionList

from tests.base.test_terminal import WRITTEN
from tests.engine.scripted import WITHOUT_SYSTEM, Script
from tests.ui.driver import ENDLESS, GREEDY, UNSURE, OpenChat, Watched
from tui.engine.protocol import Failed, Generate, KnobsTurned, Load, Preview, SetKnobs, Stop, Token
from tui.knobs.knob import Value
from tui.models.reference import find_model
from tui.paths import config_dir
from tui.ui.screens.help import HelpScreen
from tui.ui.screens.presets import PresetPicker
from tui.ui.widgets.transcript.transcript import Transcript

# --- asking and stopping ------------------------------------------------------------------------------------------


async def test_a_question_is_answered_and_the_reply_says_what_it_cost(open_chat: OpenChat) -> None:
    async with open_chat(Script()) as chat:
        await chat.ready()
        await chat.press("H", "i", "enter")
        await chat.until(lambda: chat.side.reply and not chat.side.busy)
        await chat.pilot.pause()
        assert [turn.message.content for turn in chat.side.conversation.path] == ["Hi", "Hello from the script."]
        assert "▌  Hi" in chat.view and "▏  Hello from the script." in chat.view
        assert "23 tokens · " in chat.view and " · seed 1" in chat.view
        assert (chat.prompt.text, chat.state) == ("", "ready")


async def test_one_can_write_and_ask_while_the_model_loads(open_chat: OpenChat) -> None:
    async with open_chat(Script(load_delay=1.5)) as chat:
        assert chat.state == "loading"
        await chat.ask("early")
        assert chat.state == "loading", "the question did not wait for the model"
        assert "early" in chat.view
        await chat.until(lambda: "Hello from the script." in chat.view)
        await chat.ready()
        assert chat.status.model == "scripted"


async def test_the_conversation_goes_on(open_chat: OpenChat) -> None:
    async with open_chat(Script(replies=("one", "two"))) as chat:
        await chat.answered("first")
        await chat.answered("second")
        said = [message.content for message in chat.engine.commands(Generate)[-1].replies[0].messages]
        assert said == ["first", "one", "second"]
        assert chat.side.conversation.messages[-1].content == "two"
        await chat.press("up", "up")
        assert chat.prompt.text == "first", "what was sent comes back"
        await chat.press("down", "down")
        assert chat.prompt.text == ""


async def test_the_model_and_the_history_get_what_was_written(open_chat: OpenChat) -> None:
    text = " ".join(WRITTEN.values())
    async with open_chat(Script(replies=(text,))) as chat:
        chat.app.post_message(events.Paste(text))
        await chat.until(lambda: chat.prompt.text == text)
        await chat.press("enter")
        await chat.until(lambda: chat.side.conversation.messages[-1:] and not chat.side.busy)
        assert chat.engine.commands(Generate)[-1].replies[0].messages[-1].content == text
        assert [message.content for message in chat.side.conversation.messages[-2:]] == [text, text]
        assert not set(chat.view) & set("\u202b\u200f\u2067")


async def test_lines_sent_while_a_reply_is_written_come_back_in_their_order(open_chat: OpenChat) -> None:
    async with open_chat(ENDLESS) as chat:
        await chat.ask("Hi")
        await chat.written(5)
        for line in ("one", "two", "/again", "three"):
            chat.prompt.text = line
            chat.prompt.action_send()
        await chat.until(lambda: chat.prompt.text.count("\n") == 3)
        assert chat.prompt.text == "one\ntwo\n/again\nthree"


async def test_t27_what_is_pasted_has_its_lines_and_acts_on_nothing(open_chat: OpenChat) -> None:
    async with open_chat(Script()) as chat:
        chat.app.post_message(events.Paste("one\rtwo\r\nthree\x1b]0;x\x07"))
        await chat.until(lambda: chat.prompt.text == "one\ntwo\nthree\x1b]0;x\x07")
        await chat.until(lambda: "three␛]0;x␇" in chat.view)


async def test_ctrl_c_stops_then_clears_then_says_how_to_quit(open_chat: OpenChat) -> None:
    async with open_chat(ENDLESS) as chat:
        await chat.ask("Hi")
        await chat.written(10)
        await chat.press("x", "ctrl+c")
        await chat.until(lambda: not chat.side.busy)
        assert chat.prompt.text == "x"
        await chat.press("ctrl+c")
        assert chat.prompt.text == ""
        await chat.press("up")
        assert chat.prompt.text == "x", "what was cleared is not lost"
        await chat.press("ctrl+c", "ctrl+c")
        assert "Ctrl+Q" in await chat.toast()


async def test_a_long_question_shows_its_beginning(open_chat: OpenChat, tmp_path: Path) -> None:
    file = tmp_path / "long.txt"
    file.write_text("".join(f"line {number}\n" for number in range(300)))
    async with open_chat(Script(context=16_384)) as chat:
        await chat.answered(f"What is @{file} about?")
        asked = chat.engine.commands(Generate)[-1].replies[0].messages[-1].content
        assert "line 299" in asked
        assert "line 3" in chat.said() and "line 299" not in chat.said()
        assert "characters more" in chat.said()


async def test_a_question_too_long_for_the_model_comes_back_with_what_went_along(open_chat: OpenChat) -> None:
    async with open_chat(Script(context=512)) as chat:
        await chat.ready()
        await chat.press("x")
        chat.app.post_message(events.Paste("word " * 25_000))
        await chat.until(lambda: "pasted text" in chat.view)
        await chat.press("enter")
        assert "about 31,250 tokens, and the context holds 512" in await chat.toast()
        await chat.press("enter")
        await chat.until(lambda: chat.engine.heard(Failed))
        await chat.until(lambda: chat.prompt.text == "x" and "pasted text" in chat.view)


async def test_escape_stops_the_reply_and_keeps_its_text(open_chat: OpenChat) -> None:
    async with open_chat(ENDLESS) as chat:
        await chat.ask("Hi")
        await chat.written(20)
        await chat.press("escape")
        await chat.ready()
        reply = chat.side.conversation.path[-1]
        assert reply.ending == "stopped" and reply.message.content.startswith("on and on")
        assert "stopped · " in chat.said()
        assert len(chat.engine.commands(Stop)) == 1


async def test_a_question_while_a_reply_is_written_waits_in_the_prompt(open_chat: OpenChat) -> None:
    async with open_chat(ENDLESS) as chat:
        await chat.ask("first")
        await chat.written(5)
        await chat.ask("second")
        assert await chat.toast() == "A reply is being written; press Esc to stop it first."
        assert chat.prompt.text == "second"
        assert len(chat.engine.commands(Generate)) == 1


async def test_ctrl_n_begins_anew_with_the_same_settings(open_chat: OpenChat) -> None:
    async with open_chat(Script(replies=("one", "two")), "precise,temperature=0,seed=5") as chat:
        await chat.answered("first")
        await chat.press("ctrl+n")
        assert "▌  first" not in chat.view and "Write below and press Enter" in chat.view
        await chat.answered("second")
        asked = chat.engine.commands(Generate)[-1].replies[0]
        assert [message.content for message in asked.messages][1:] == ["second"]
        assert (asked.knobs.seed, chat.side.preset.name) == (5, "precise")


async def test_a_new_chat_ends_the_reply_of_the_old_one(open_chat: OpenChat) -> None:
    async with open_chat(ENDLESS) as chat:
        await chat.ask("first")
        await chat.written(5)
        await chat.press("ctrl+n")
        await chat.ready()
        assert chat.said() == ""
        assert chat.side.conversation.turns == ()
        await chat.ask("second")
        await chat.written(5)
        assert chat.state == "writing"


async def test_ctrl_r_gives_another_answer_to_the_last_question(open_chat: OpenChat) -> None:
    async with open_chat(Script(sureness=1.0), "temperature=1.5,min_p=0,num_predict=40") as chat:
        await chat.answered("Hi")
        first = chat.side.conversation.path[-1].message.content
        await chat.press("ctrl+r")
        await chat.until(lambda: len(chat.side.conversation.turns) == 3)
        assert [turn.message.role for turn in chat.side.conversation.path] == ["user", "assistant"]
        assert chat.side.conversation.path[-1].message.content != first
        assert chat.side.conversation.turns[1].message.content == first, "the first one is kept"


# --- knobs ----------------------------------------------------------------------------------------------------------


async def test_keys_turn_the_knobs_of_the_side(open_chat: OpenChat) -> None:
    turns: list[tuple[list[str], str, Value]] = [
        (["right"], "temperature", 0.05),
        (["shift+right"], "temperature", 0.3),
        (["end"], "temperature", 2.0),
        (["home"], "temperature", 0.0),
        (["1", ".", "2", "5", "enter"], "temperature", 1.25),
        (["r"], "temperature", 0.8),
        (["down", "shift+left"], "top_k", 30),
        (["down", "left"], "top_p", 0.94),
        (["up", "home"], "top_k", 0),
    ]
    async with open_chat(Script()) as chat:
        await chat.press("tab")
        for keys, name, value in turns:
            await chat.press(*keys)
            await chat.turned(name, value)
            assert getattr(chat.knobs.knobs, name) == value, "and the panel follows"


async def test_a_knob_acts_on_the_reply_being_written(open_chat: OpenChat) -> None:
    async with open_chat(UNSURE) as chat:
        await chat.ask("Hi")
        await chat.written(20)
        await chat.press("tab", "end")
        await chat.until(lambda: "temperature 0→2" in chat.said())
        (turned,) = chat.engine.heard(KnobsTurned)
        await chat.until(lambda: chat.engine.heard(Token)[-1].index > turned.index + 3)
        tokens = chat.engine.heard(Token)
        assert all(token.trace.entropy == 0 for token in tokens[: turned.index]), "greedy before"
        assert all(token.trace.entropy > 1 for token in tokens[turned.index :]), "and at once not, after"
        assert chat.engine.commands(SetKnobs)[0].knobs.temperature == 2.0
        before, _, after = chat.said().partition("temperature 0→2")
        assert "on and on" in before and after.strip()


async def test_a_written_command_turns_a_knob_in_mid_reply_too(open_chat: OpenChat) -> None:
    async with open_chat(UNSURE) as chat:
        await chat.ask("Hi")
        await chat.written(20)
        await chat.ask("/set parameter temperature 1.2")
        await chat.until(lambda: "temperature 0→1.2" in chat.said())
        (turned,) = chat.engine.heard(KnobsTurned)
        await chat.until(lambda: chat.engine.heard(Token)[-1].index > turned.index)
        assert chat.engine.heard(Token)[turned.index].trace.entropy > 0
        assert chat.side.knobs.temperature == 1.2
        assert chat.toasts == ["temperature is 1.2 now"]


REFUSALS = {
    "/set temperature": "Write /set parameter KNOB VALUE, such as /set parameter temperature 1.2.",
    "/set parameter temprature 1": "There is no knob 'temprature'. Did you mean temperature?",
    "/set parameter top_p 2": "top_p: 2 is out of range; it goes from 0 to 1.",
    "/set parameter top_k ten": "top_k: 'ten' is not a whole number; it goes from 0 to 500000.",
    "/presett greedy": "There is no command /presett. Did you mean /preset? /help lists them",
    "/preset greddy": "There is no preset and no model 'greddy'. Did you mean greedy?",
    "/compare temperature=9": "temperature: 9 is out of range; it goes from 0 to 5.",
    "/compare nobody": "There is no preset and no model 'nobody'.",
}


async def test_a_command_that_cannot_be_obeyed_is_put_back_with_a_sentence(open_chat: OpenChat) -> None:
    async with open_chat(Script()) as chat:
        await chat.ready()
        for count, (typed, sentence) in enumerate(REFUSALS.items(), 1):
            chat.prompt.clear()
            await chat.ask(typed)
            assert (await chat.toast(count)).startswith(sentence)
            assert chat.prompt.text == typed
        assert not chat.engine.commands(Generate)


async def test_the_sidebar_marks_what_differs_from_the_preset(open_chat: OpenChat) -> None:
    async with open_chat(Script(), "precise,top_k=3") as chat:
        await chat.ready()
        assert "•top_k" in chat.view and "•temperature" not in chat.view
        assert "precise*" in chat.view
        await chat.press("tab", "down", "r")
        await chat.until(lambda: "•top_k" not in chat.view)
        assert "precise*" not in chat.view


async def test_a_context_of_another_size_loads_the_model_anew(open_chat: OpenChat) -> None:
    async with open_chat(Script()) as chat:
        await chat.ready()
        await chat.ask("/set parameter num_ctx 512")
        await chat.until(lambda: len(chat.engine.commands(Load)) == 2)
        await chat.ready()
        assert chat.engine.commands(Load)[-1].knobs.num_ctx == 512


async def test_a_knob_that_needs_another_load_is_refused_in_mid_reply(open_chat: OpenChat) -> None:
    async with open_chat(ENDLESS) as chat:
        await chat.ask("Hi")
        await chat.written(5)
        await chat.ask("/set parameter num_ctx 512")
        assert (await chat.toast()).startswith("num_ctx loads the model anew; a reply is being written")
        assert chat.side.knobs.num_ctx == 0, "as if it had not been asked for"
        assert not chat.engine.commands(SetKnobs)
        assert chat.prompt.text == "/set parameter num_ctx 512"


# --- candidates -----------------------------------------------------------------------------------------------------


async def test_candidates_are_of_the_newest_token_and_then_of_the_next(open_chat: OpenChat) -> None:
    async with open_chat(ENDLESS) as chat:
        await chat.until(lambda: chat.candidates.heading == "next token" and chat.candidates.trace)
        await chat.ask("Hi")
        await chat.until(lambda: chat.candidates.heading == "newest token" and chat.side.busy)
        shown = chat.candidates.trace
        assert shown and shown.id in [token.trace.id for token in chat.engine.heard(Token)]
        assert "newest token" in chat.view and "rank 1" in chat.view
        await chat.press("escape")
        await chat.until(lambda: chat.candidates.heading == "next token" and chat.candidates.trace)
        assert chat.candidates.trace and chat.candidates.trace.id == -1


async def test_turning_a_knob_while_idle_moves_the_candidates(open_chat: OpenChat) -> None:
    async with open_chat(UNSURE) as chat:
        await chat.until(lambda: chat.candidates.trace)
        assert chat.candidates.trace and chat.candidates.trace.entropy == 0
        await chat.press("tab", "end")
        await chat.until(lambda: chat.candidates.trace and chat.candidates.trace.entropy > 1)
        assert chat.engine.commands(Preview)[-1].knobs.temperature == 2.0


# --- presets --------------------------------------------------------------------------------------------------------


def shelve(name: str, source: str) -> None:
    """Put a Modelfile into the person's own folder."""
    folder = config_dir() / "Modelfiles"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.Modelfile").write_text(source)


async def test_another_preset_keeps_the_conversation_and_holds_from_the_next_reply_on(open_chat: OpenChat) -> None:
    async with open_chat(Script()) as chat:
        await chat.answered("first")
        await chat.ask("/preset precise")
        await chat.until(lambda: chat.side.preset.name == "precise")
        await chat.answered("second")
        asked = chat.engine.commands(Generate)[-1].replies[0]
        assert asked.messages[0].content.startswith("You are a careful assistant.")
        assert [message.content for message in asked.messages[1:]] == ["first", "Hello from the script.", "second"]
        assert (asked.knobs.temperature, asked.knobs.top_k) == (0.2, 20)
        assert "preset precise from the next reply on" in chat.view


async def test_another_preset_leaves_a_running_reply_alone(open_chat: OpenChat) -> None:
    async with open_chat(ENDLESS) as chat:
        await chat.ask("Hi")
        await chat.written(5)
        await chat.ask("/preset wild")
        await chat.until(lambda: chat.side.preset.name == "wild")
        await chat.written(len(chat.panes[0].transcript.reply.text) + 5)
        assert chat.side.busy and not chat.engine.commands(SetKnobs)


async def test_f2_finds_a_preset_by_typing_and_enter_uses_it(open_chat: OpenChat) -> None:
    async with open_chat(Script()) as chat:
        await chat.press("f2")
        await chat.until(lambda: isinstance(chat.app.screen, PresetPicker))
        everything = chat.app.screen.query_one(OptionList).option_count
        await chat.press(*"limer")
        await chat.until(lambda: chat.app.screen.query_one(OptionList).option_count == 1)
        assert everything >= 8
        await chat.press("enter")
        await chat.until(lambda: chat.side.preset.name == "limerick")
        assert chat.app.screen is chat.screen and chat.app.focused == chat.prompt


async def test_f2_moves_by_arrow_and_escape_changes_nothing(open_chat: OpenChat) -> None:
    async with open_chat(Script()) as chat:
        await chat.press("f2")
        await chat.until(lambda: isinstance(chat.app.screen, PresetPicker))
        options = chat.app.screen.query_one(OptionList)
        before = options.highlighted
        await chat.press("down")
        assert options.highlighted != before and isinstance(chat.app.focused, Input)
        await chat.press(*"zz")
        await chat.until(lambda: not options.option_count)
        await chat.press("enter", "escape")
        await chat.until(lambda: chat.app.screen is chat.screen)
        assert chat.side.preset.name == "default"


async def test_a_broken_preset_is_shown_with_its_reason(open_chat: OpenChat) -> None:
    shelve("mine", "FROM starter\nPARAMETER temperature hot\n")
    async with open_chat(Script()) as chat:
        await chat.ready()
        await chat.press("f2", *"mine")
        await chat.until(lambda: "✗ mine" in chat.view)
        assert "mine.Modelfile" in chat.view and "temperature" in chat.view
        await chat.press("enter")
        assert "mine.Modelfile" in await chat.toast()
        assert chat.side.preset.name == "default"


async def test_a_preset_whose_model_is_missing_is_refused(open_chat: OpenChat, monkeypatch: pytest.MonkeyPatch) -> None:
    shelve("away", "FROM ./nowhere.gguf\nPARAMETER temperature 2\n")
    async with open_chat(Script()) as chat:
        await chat.ready()
        monkeypatch.setattr("tui.presets.preset.find_model", find_model)
        await chat.ask("/preset away")
        assert "There is no model file" in await chat.toast()
        assert (chat.side.preset.name, chat.side.knobs.temperature) == ("default", 0.0)


async def test_the_palette_runs_a_preset(open_chat: OpenChat) -> None:
    async with open_chat(Script()) as chat:
        await chat.ready()
        await chat.press("ctrl+p")
        await chat.until(lambda: "A new chat with" in chat.view)
        await chat.press(*"greedy")
        await chat.until(lambda: "Preset greedy" in chat.view and "A new chat with" not in chat.view)
        await chat.press("enter")
        await chat.until(lambda: chat.side.preset.name == "greedy")


# --- help, narrow screens -------------------------------------------------------------------------------------------


async def test_f1_opens_and_closes_the_keys_of_where_one_is(open_chat: OpenChat) -> None:
    async with open_chat(Script(), size=(120, 110)) as chat:
        await chat.press("f1")
        await chat.until(lambda: "/set parameter KNOB VALUE" in chat.view)
        assert "Earlier prompt" in chat.view and "Much more" not in chat.view
        await chat.press("f1")
        await chat.until(lambda: chat.app.screen is chat.screen)
        await chat.press("tab", "f1")
        await chat.until(lambda: isinstance(chat.app.screen, HelpScreen))
        await chat.until(lambda: "Much more" in chat.view)
        await chat.press("escape")
        await chat.until(lambda: chat.app.screen is chat.screen)


async def test_f4_shows_the_knobs_on_a_narrow_screen_and_goes_there(open_chat: OpenChat) -> None:
    async with open_chat(Script(), size=(80, 24)) as chat:
        await chat.ready()
        assert "temperature" not in chat.view
        await chat.press("f4")
        await chat.until(lambda: "temperature" in chat.view)
        assert chat.knob == "temperature"
        await chat.press("right")
        await chat.turned("temperature", 0.05)
        await chat.press("f4")
        await chat.until(lambda: "temperature" not in chat.view)
        assert chat.app.focused == chat.prompt


async def test_t30_any_size_of_terminal_is_survived(open_chat: OpenChat) -> None:
    async with open_chat(Script()) as chat:
        await chat.answered("Hi")
        for size in [(20, 6), (1, 1), (300, 80)]:
            await chat.pilot.resize_terminal(*size)
            await chat.answered("again")
        await chat.until(lambda: chat.view.count("Hello from the script.") == 4)


async def test_the_keyboard_reaches_everything_and_bye_leaves(open_chat: OpenChat) -> None:
    async with open_chat(Script()) as chat:
        await chat.press("tab")
        assert chat.knob == "temperature"
        await chat.press("escape")
        assert chat.prompt.has_focus and not chat.engine.commands(Stop)
        await chat.press("ctrl+r")
        assert not chat.engine.commands(Generate), "there is nothing to answer again"
        await chat.press("f4")
        await chat.until(lambda: "temperature" not in chat.view)
        await chat.press("f4", "escape")
        await chat.press("tab")
        assert chat.knob == "temperature"
        await chat.press("tab")
        assert chat.candidates.has_focus
        await chat.press("tab")
        assert isinstance(chat.app.focused, Transcript)
        await chat.press("tab")
        assert chat.prompt.has_focus
        await chat.press("shift+tab")
        assert isinstance(chat.app.focused, Transcript)
        await chat.ask("/bye")
        await chat.until(lambda: not chat.app.is_running)
        assert not chat.app.return_code


# --- when things break ----------------------------------------------------------------------------------------------


async def test_a_reply_that_loses_its_engine_keeps_its_text(open_chat: OpenChat) -> None:
    async with open_chat(Script(replies=("one two three", "four"), die_at=7), engine=Watched) as chat:
        await chat.ask("Hi")
        await chat.until(lambda: chat.state == "lost")
        await chat.pilot.pause()
        reply = chat.side.conversation.path[-1]
        assert (reply.message.content, reply.ending) == ("one two", "died")
        assert "▏  one two" in chat.view
        assert "llama.cpp gave up on something it could not handle (SIGABRT)." in chat.said()
        assert "engine lost" in chat.view
        await chat.answered("again")
        assert chat.side.conversation.path[-1].message.content == "four"
        assert chat.state == "ready"
        assert len(chat.engine.commands(Load)) == 2


async def test_an_engine_killed_while_idle_is_started_again_by_the_next_question(open_chat: OpenChat) -> None:
    async with open_chat(Script(replies=("one", "two")), engine=Watched) as chat:
        await chat.answered("first")
        assert chat.engine.pid
        os.kill(chat.engine.pid, signal.SIGKILL)
        await chat.until(lambda: chat.state == "lost")
        assert "it was killed" in chat.said()
        assert chat.side.conversation.path[-1].ending == "stop", "what was complete stays so"
        await chat.answered("second")
        said = [message.content for message in chat.engine.commands(Generate)[-1].replies[0].messages]
        assert said == ["first", "one", "second"]


async def test_every_key_is_safe_without_an_engine(open_chat: OpenChat) -> None:
    async with open_chat(Script(), engine=Watched) as chat:
        await chat.answered("first")
        assert chat.engine.pid
        os.kill(chat.engine.pid, signal.SIGKILL)
        await chat.until(lambda: chat.state == "lost")
        await chat.press("escape", "f4", "f4", "tab", "right", "escape", "f3", "f6", "f3", "ctrl+n", "ctrl+r")
        assert chat.state == "lost"
        await chat.answered("second")
        assert chat.state == "ready"


async def test_ctrl_r_starts_a_new_engine_too(open_chat: OpenChat) -> None:
    async with open_chat(Script(die_at=5), engine=Watched) as chat:
        await chat.ask("Hi")
        await chat.until(lambda: chat.state == "lost")
        first = chat.engine.pid
        await chat.press("ctrl+r")
        await chat.until(lambda: len(chat.side.conversation.turns) == 3)
        assert chat.engine.pid != first
        assert chat.side.conversation.path[-1].message.content == "Hello"


async def test_an_engine_that_dies_while_loading_says_so(open_chat: OpenChat) -> None:
    async with open_chat(Script(load_dies=True), engine=Watched) as chat:
        await chat.until(lambda: chat.state == "lost")
        await chat.ask("Hi")
        await chat.until(lambda: len(chat.engine.commands(Load)) == 2 and chat.state == "lost")
        assert chat.side.conversation.path[-1].ending == "died"
        assert chat.screen.is_running


async def test_a_model_that_cannot_be_loaded_is_explained_and_another_can_be_used(
    open_chat: OpenChat, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"GGUF nonsense")
    async with open_chat(Script()) as chat:
        await chat.ready()
        with monkeypatch.context() as patched:
            patched.setattr("tui.presets.preset.find_model", lambda reference, folder=None: broken)
            await chat.ask("/preset greedy")
            await chat.until(lambda: "is a GGUF of version" in chat.said())
        assert chat.state == "failed"
        await chat.ask("anyone there?")
        await chat.until(lambda: "No model is loaded." in chat.said())
        assert chat.prompt.text == "anyone there?", "to be sent again"
        assert chat.state == "failed"
        chat.prompt.clear()
        await chat.ask("/preset default")
        await chat.ready()
        await chat.answered("Hi")
        assert chat.side.conversation.messages[-1].content == "Hello from the script."
        assert "anyone there?" not in [each.content for each in chat.side.conversation.messages]


async def test_c07_a_prompt_too_long_is_refused_with_both_numbers(open_chat: OpenChat) -> None:
    async with open_chat(Script(context=200)) as chat:
        await chat.ready()
        await chat.ask("word " * 60)
        await chat.until(lambda: "tokens long" in chat.said())
        assert "The conversation is 319 tokens long and the context holds 200" in chat.said()
        assert chat.prompt.text == "word " * 60
        assert chat.state == "ready"
        chat.prompt.clear()
        await chat.answered("short")
        assert chat.side.conversation.messages[-1].content == "Hello from the script."


async def test_a_question_put_back_does_not_overwrite_what_was_written_meanwhile(open_chat: OpenChat) -> None:
    async with open_chat(Script(context=200, load_delay=4.0)) as chat:
        await chat.ask("word " * 60)
        chat.prompt.insert("my next thought")
        await chat.until(lambda: "tokens long" in chat.said())
        assert chat.prompt.text == "my next thought"


@pytest.mark.parametrize("settings", [(GREEDY,), (GREEDY, GREEDY)])
async def test_c08_a_full_context_ends_the_reply(open_chat: OpenChat, settings: tuple[str, ...]) -> None:
    async with open_chat(Script(replies=("on and on " * 100,), context=200), *settings) as chat:
        await chat.answered("Hi")
        assert chat.side.conversation.path[-1].ending == "length"
        assert "cut at the limit" in chat.said()


async def test_a_beam_search_shows_what_it_looks_at(open_chat: OpenChat) -> None:
    async with open_chat(Script(sureness=0.5, delay=0.03), "strategy=beam,num_predict=40,seed=1") as chat:
        await chat.ask("Hi")
        await chat.until(lambda: "4 hypotheses, the best:" in chat.view)
        await chat.ready()
        assert "hypotheses" not in chat.view
        assert chat.side.conversation.path[-1].message.content.rstrip("\ufffd")


async def test_a_full_context_that_shifts_says_so(open_chat: OpenChat) -> None:
    async with open_chat(
        Script(replies=("on and on " * 300,), context=120), "context_full=shift,num_predict=150"
    ) as chat:
        await chat.answered("Hi")
        assert "context full, " in chat.view and "oldest tokens forgotten" in chat.view.replace("\n", " ")


async def test_a_constraint_that_cannot_be_used_is_told_while_the_reply_goes_on(open_chat: OpenChat) -> None:
    async with open_chat(ENDLESS) as chat:
        await chat.ask("Hi")
        await chat.written(5)
        await chat.ask("/set parameter regex (")
        await chat.until(lambda: "regex: " in chat.view)
        await chat.written(10)
        assert chat.state == "writing"


# --- what a template does not take --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("template", "told"), [(WITHOUT_SYSTEM, "takes no system prompt"), (None, "carries no chat template")]
)
async def test_what_a_template_does_not_take_is_told_once_before_the_reply(
    open_chat: OpenChat, template: str | None, told: str
) -> None:
    script = Script(replies=("one two three " * 20,), template=template)
    async with open_chat(script, "precise", size=(120, 40)) as chat:
        await chat.ready()
        assert told not in chat.view
        await chat.answered("Hi")
        await chat.answered("And?")
        view = " ".join(chat.view.split())
        assert view.count(told) == 1
        assert view.index("Hi") < view.index(told) < view.index("two three")
