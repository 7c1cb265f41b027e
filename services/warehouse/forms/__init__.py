"""The field forms: `<name>_<version>.md` is the XLSForm that people edit, `.xml` what pyxform makes of it for phones.

Neither file of a version that was given out is ever changed; a change is a new version (see `openrosa.filled_form`).
"""
