"""Check of the prompt that a preset makes with its model's chat template, without loading the model."""

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from tui.conversation.conversation import Message
from tui.engine.prompt.prompt import PLAINLY, OllamaTemplate, plain_notice
from tui.engine.prompt.rendering import PromptRenderer, render_prompt
from tui.engine.prompt.template_worker import TemplateWorker
from tui.errors import EngineError, ModelError
from tui.models.model_info import training_of
from tui.models.preflight import check_model
from tui.presets.checks import PresetFinding
from tui.presets.preset import Preset

_ASKED = Message("user", "Why is the sky blue?")


def check_prompt(preset: Preset, worker: TemplateWorker) -> Iterator[PresetFinding]:
    """Yield what a template does not take of a preset's SYSTEM and MESSAGE lines, and why it refuses them."""
    try:
        template = OllamaTemplate(preset.template) if preset.template else _own_template(preset.find_model(), worker)
        if isinstance(template, PresetFinding):
            yield template
            return
        for notice in render_prompt(template, (*preset.opening, _ASKED), preset.knobs.thinking).notices:
            yield PresetFinding("note", notice)
    except EngineError as error:
        yield PresetFinding("error", str(error))
    except ModelError:
        pass  # which the other checks say


def _own_template(model: Path, worker: TemplateWorker) -> PromptRenderer | PresetFinding:
    """Compile a model's chat template; without one that can be used, return what is done instead."""
    source, base = _read_template(model)
    if notice := plain_notice(source, base=base):
        return PresetFinding("note", notice)
    try:
        return worker.template(source, bos="", eos="")
    except EngineError as error:
        return PresetFinding("warning", f"{error} {PLAINLY}")


@lru_cache
def _read_template(model: Path) -> tuple[str, bool]:
    """Read a model's chat template, and if it is a base model; raises ModelError."""
    header = check_model(model)
    return header.text("tokenizer.chat_template"), training_of(header, model) == "base"
