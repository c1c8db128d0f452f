"""The site that `./run docs` builds: these pages, as they stand."""

project = "TWTC Engine"
author = "The TWTC Engine authors"
html_title = project
html_theme = "furo"
html_static_path: list[str] = []
html_show_copyright = False
html_copy_source = False

extensions = ["myst_parser"]
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3
# Whatever does not resolve fails the build.
nitpicky = True
