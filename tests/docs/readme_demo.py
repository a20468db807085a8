"""The README's output of `rootward demo`, made by running it: `python tests/docs/readme_demo.py` writes it anew."""

from pathlib import Path

from typer.testing import CliRunner

from rootward.apps.cli import main

README = Path(__file__).resolve().parents[2] / "README.md"
START, END = "<!-- demo:start -->\n", "<!-- demo:end -->"
LEFT_OUT = "Ruled out"  # from this heading on the output is cut, to the truth
TRUTH = "─ THE SEALED TRUTH ─"


def shown(text: str) -> str:
    """The part of the README between the markers."""
    return text.split(START, 1)[1].split(END, 1)[0]


def render() -> str:
    """A fenced block: the output at 80 columns up to what was ruled out, then the truth; what is cut is said."""
    result = CliRunner().invoke(main.app, ["demo"], env={"COLUMNS": "80", "NO_COLOR": "1", "TERM": "dumb"})
    assert result.exit_code == 0, result.output
    lines = [line.rstrip() for line in result.output.splitlines()]
    cut = next(index for index, line in enumerate(lines) if line == LEFT_OUT)
    truth = next(index for index, line in enumerate(lines) if TRUTH in line)
    headings = ", ".join(line for line in lines[cut:truth] if line and line[0].isalpha() and len(line.split()) < 3)
    end = next(index for index, line in enumerate(lines) if index > truth and line.startswith("╰"))
    kept = [*lines[:cut], f"… ({headings}) …", "", *lines[truth : end + 1]]
    return "```\n" + "\n".join(kept) + "\n```\n"


if __name__ == "__main__":
    text = README.read_text(encoding="utf-8")
    README.write_text(text.replace(START + shown(text), START + render()), encoding="utf-8")
