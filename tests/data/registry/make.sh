#!/bin/sh
# Makes the fixtures of this folder again, with LibreOffice Calc: `tests/data/registry/make.sh`. Nothing else needs it.
set -eu
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# 44,34,76,1: comma, double quote, UTF-8, from the first line; every column by LibreOffice's own guess of its type.
read_as='CSV:44,34,76,1,,0,false,true'
convert() {
    soffice "-env:UserInstallation=file://$work/profile" --headless --infilter="$read_as" --convert-to "$1" --outdir "$work" source.csv >/dev/null 2>&1
    mv "$work/source.$2" "$3"
}
convert 'xlsx:Calc MS Excel 2007 XML' xlsx libreoffice.xlsx
convert 'xls:MS Excel 97' xls libreoffice.xls
convert 'csv:Text - txt - csv (StarCalc):44,34,76,1' csv libreoffice-utf-8.csv
convert 'csv:Text - txt - csv (StarCalc):59,34,38,1' csv libreoffice-windows-1256.csv
convert 'ods:calc8' ods libreoffice.ods
convert 'html:HTML (StarCalc)' html libreoffice-html.xls
# LibreOffice writes no mark at the beginning of a CSV; Excel does.
{ printf '\357\273\277'; cat libreoffice-utf-8.csv; } > with-mark-utf-8.csv
