"""Hypothesis strategies: Dockerfiles as data, over every instruction."""

from __future__ import annotations

from hypothesis import strategies as st

from pipeline.kit.dockerfile import model as m
from pipeline.kit.dockerfile import words

# What people write, and what trips parsers: quotes, escapes, variables, marks, other scripts.
CHARACTERS = "abcXYZ019 _-./:=,@$\"'\\`{}[]()#&|;<>*?!~^%+éß漢\t"
line = st.text(CHARACTERS, max_size=30)
anything = st.text(max_size=20)
name = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,9}", fullmatch=True)
stage_name = st.from_regex(r"[a-z][a-z0-9_.-]{0,8}", fullmatch=True)
plain = st.from_regex(r"[a-z0-9][a-z0-9._/-]{0,12}", fullmatch=True)
image = st.one_of(
    st.builds("{}:{}".format, plain, plain), st.just("${BASE:-scratch}"), st.just("app@sha256:0a")
)
quoted = line.map(words.quote)


def is_shell_text(text: str) -> bool:
    """Can it follow an instruction as it is? Not what starts like a flag or a list, announces a
    heredoc, or has a line that the builder would drop or continue."""
    lines = text.split("\n")
    return (
        text == text.strip()
        and not text.startswith(("--", "["))
        and "<<" not in text
        and not any(line.rstrip(" \t").endswith("\\") for line in lines)
        and all(line.strip() and not line.lstrip().startswith("#") for line in lines)
    )


shell_text = st.lists(line, min_size=1, max_size=3).map("\n".join).filter(is_shell_text)
one_line = line.filter(is_shell_text)
exec_form = st.lists(anything, max_size=4).map(lambda argv: m.ExecForm(tuple(argv)))
command = st.one_of(shell_text.map(m.ShellForm), exec_form)
flag_value = st.text(CHARACTERS.replace("\t", ""), min_size=1, max_size=20)


def flags(*names: str) -> st.SearchStrategy[tuple[m.Flag, ...]]:
    pair = st.tuples(st.sampled_from(names), st.one_of(st.none(), flag_value))
    return st.lists(pair, max_size=3).map(tuple)


@st.composite
def heredoc(draw: st.DrawFn) -> tuple[str, str]:
    """A mark (``<<-'EOF'``) and a content that does not hold its end."""
    end = draw(name)
    mark = draw(st.sampled_from(["<<{}", "<<-{}", '<<"{}"', "<<'{}'", "<<-'{}'"])).format(end)
    lines = draw(st.lists(line.filter(lambda text: text.lstrip("\t") != end), max_size=4))
    return mark, "".join(f"{text}\n" for text in lines)


@st.composite
def run(draw: st.DrawFn) -> m.Run:
    options = draw(flags("mount", "network", "security"))
    if draw(st.booleans()):
        return m.Run(draw(command), flags=options)
    docs = draw(st.lists(heredoc(), min_size=1, max_size=2, unique_by=lambda doc: doc[0]))
    marks = " ".join(mark for mark, _ in docs)
    text = draw(st.sampled_from(["{}", "cat {} > /etc/motd", "python3 {}"])).format(marks)
    return m.Run(m.ShellForm(text), tuple(body for _, body in docs), flags=options)


@st.composite
def copy(draw: st.DrawFn) -> m.Copy:
    kind = draw(st.sampled_from([m.Copy, m.Add]))
    options = draw(flags("from", "chown", "chmod", "link", "exclude"))
    if draw(st.booleans()):
        sources = draw(st.lists(anything, min_size=1, max_size=3).map(tuple))
        sources = tuple(source for source in sources if "<<" not in source) or (".",)
        destination = draw(anything.filter(lambda text: "<<" not in text))
        return kind(sources, destination, flags=options)
    mark, body = draw(heredoc())
    return kind((mark,), draw(plain), (body,), flags=options)


pairs = st.lists(st.tuples(name, quoted), min_size=1, max_size=3).map(tuple)
defaults = st.lists(
    st.tuples(name, st.one_of(st.none(), quoted)), min_size=1, max_size=3
).map(tuple)  # fmt: skip
health_flags = flags("interval", "timeout", "start-period", "start-interval", "retries")

simple = st.one_of(
    run(),
    copy(),
    st.builds(m.Cmd, command),
    st.builds(m.Entrypoint, command),
    st.builds(m.Env, pairs),
    st.builds(m.Label, pairs),
    st.builds(m.Arg, defaults),
    st.builds(m.Expose, st.lists(plain, min_size=1, max_size=3).map(tuple)),
    st.builds(m.Volume, st.lists(anything, min_size=1, max_size=3).map(tuple)),
    st.builds(m.Workdir, one_line),
    st.builds(m.User, one_line),
    st.builds(m.StopSignal, one_line),
    st.builds(m.Shell, st.lists(anything, min_size=1, max_size=3).map(tuple)),
    st.builds(m.Healthcheck, st.one_of(st.none(), command), flags=health_flags),
)
instruction = st.one_of(simple, st.builds(m.Onbuild, simple), st.builds(m.Maintainer, one_line))
base = st.builds(m.From, image, st.one_of(st.just(""), stage_name), flags=flags("platform"))
comment = st.builds(m.Comment, line.map(str.strip))


@st.composite
def dockerfiles(draw: st.DrawFn) -> m.Dockerfile:
    """Several stages, comments, empty lines, directives."""
    items: list[m.Item] = [*draw(st.lists(st.one_of(comment, st.builds(m.Arg, defaults))))]
    for stage in draw(st.lists(base, min_size=1, max_size=3)):
        items.append(stage)
        items += draw(st.lists(st.one_of(instruction, comment, st.just(m.Blank())), max_size=6))
    while isinstance(items[-1], m.Blank):
        items.pop()
    once = [item for item, before in zip(items, [None, *items], strict=False)
            if not (isinstance(item, m.Blank) and isinstance(before, m.Blank))]  # fmt: skip
    directives = st.lists(
        st.sampled_from([("syntax", "docker/dockerfile:1"), ("check", "skip=all")]), unique=True
    )
    return m.Dockerfile(tuple(once), tuple(draw(directives)))
