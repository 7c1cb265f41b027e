"""``make forms``: compile every XLSForm beside this file anew. For developers; services read the compiled forms."""

from pathlib import Path


def compile_form(source: Path) -> str:
    """The XForm of an XLSForm in Markdown. Raises pyxform's errors, and ValueError on its warnings."""
    # A dependency of developers only: no service imports it.
    from pyxform.xls2xform import convert  # noqa: PLC0415  # pyright: ignore[reportUnknownVariableType]

    result = convert(xlsform=source.read_text(encoding="utf-8"), file_type=".md", form_name="data", pretty_print=True)
    if result.warnings:
        raise ValueError(f"{source.name}: {'; '.join(result.warnings)}")
    return result.xform


def main() -> None:
    for source in sorted(Path(__file__).parent.glob("*.md")):
        target = source.with_suffix(".xml")
        target.write_text(compile_form(source), encoding="utf-8")
        print(f"{source.name} -> {target.name}")


if __name__ == "__main__":
    main()
