# What Doxygen 1.9 does not read in Markdown as the repository's page does.
# Code type in the text of a link:
s/\[`\([^`]*\)`\](/[\1](/g
# Pictures and examples by their place relative to the page:
s#](\(\.\./\|docs/\)*images/#](#g
s#](examples/#](#g
