"""The server's own R packages, installed and run by a real R."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tests.server import packages_library

RunR = Callable[[str], subprocess.CompletedProcess[str]]
Errors = Callable[[Sequence[str]], dict[str, str]]


@pytest.fixture(scope="session")
def library() -> Path:
    """A library that holds the packages."""
    return packages_library()


@pytest.fixture
def run_r(library: Path, tmp_path: Path) -> RunR:
    """Runs R code in an empty directory, with deployrUtils attached."""

    def run(code: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["Rscript", "--vanilla", "-e", f"library(deployrUtils)\n{code}"],
            cwd=tmp_path,
            env=os.environ | {"R_LIBS": str(library), "LC_ALL": "C.UTF-8"},
            capture_output=True,
            text=True,
            timeout=110,
        )

    return run


@pytest.fixture
def holds(run_r: RunR) -> Callable[[str], None]:
    """Asserts that R code, which says what it expects with stopifnot(), runs without error."""

    def check(code: str) -> None:
        done = run_r(code)
        assert done.returncode == 0, done.stderr

    return check


@pytest.fixture
def errors(run_r: RunR, tmp_path: Path) -> Errors:
    """Runs pieces of R code one after the other, each in an empty workspace; what those say that fail."""

    def run(codes: Sequence[str]) -> dict[str, str]:
        for number, code in enumerate(codes):
            (tmp_path / f"{number}.R").write_text(code)
        said = run_r(f"""
          for (.number in 0:{len(codes) - 1}) {{
            .error <- tryCatch({{ source(paste0(.number, ".R")); "" }}, error = conditionMessage)
            cat("<next>", .error, sep = "")
            rm(list = ls())
          }}
        """).stdout.split("<next>")[1:]
        return {code: error for code, error in zip(codes, said, strict=True) if error}

    return run


def test_the_packages_declare_nothing_beyond_base_r(library: Path) -> None:
    descriptions = "".join((library / name / "DESCRIPTION").read_text() for name in ("deployrUtils", "RevoScriptTools"))
    imports = [line for line in descriptions.splitlines() if line.startswith("Imports:")]
    assert imports == ["Imports: utils", "Imports: deployrUtils"]
    assert "Version: 1.0.3\n" in descriptions


def test_deployrutils_exports_the_documented_functions(holds: Callable[[str], None]) -> None:
    holds("""
      expected <- c("deployrExternal", "deployrInput", "deployrPackage", "revoEvent", "revoInput", "revoPackage")
      stopifnot(identical(sort(getNamespaceExports("deployrUtils")), expected))
    """)


DEFAULTS = [
    ('"render": "integer", "default": 6', "6L"),
    ('"render": "numeric", "default": 6', "6"),
    ('"render": "numeric", "default": "2.5"', "2.5"),
    ('"render": "logical", "default": true', "TRUE"),
    ('"render": "logical", "default": TRUE', "TRUE"),
    ('"render": "logical", "default": "false"', "FALSE"),
    ('"render": "character", "default": "a", "labels": ["a", "b"]', "'a'"),
    ('"render": "file", "default": "sat.csv"', "'sat.csv'"),
    ('"default": 1.5', "1.5"),
    ('"render": "factor", "default": "b"', "factor('b')"),
    ('"levels": ["x", "y"], "default": "y"', "factor('y', c('x', 'y'))"),
    ('"render": "factor", "labels": ["x", "y"], "default": "y"', "factor('y', c('x', 'y'))"),
    ('"render": "factor", "levels": [1, 2], "labels": ["lo", "hi"], "default": 2',
     "factor('hi', c('lo', 'hi'))"),
    ('"render": "factor", "levels": [1, 2], "labels": ["lo", "hi"], "default": "hi"',
     "factor('hi', c('lo', 'hi'))"),
    ('"render": "ordered", "levels": ["b", "a"], "default": "a"', "factor('a', c('b', 'a'), ordered = TRUE)"),
    ('"render": "vector", "default": [1, null, 3]', "c(1, NA, 3)"),
    ('"render": "vector", "default": ["a", "b"]', "c('a', 'b')"),
    ('"render": "matrix", "default": [[1, 3, 12], [2, 11, 13]]', "matrix(c(1, 2, 3, 11, 12, 13), 2)"),
    ('"render": "matrix", "default": [1, 2]', "matrix(c(1, 2), 2)"),
    ('"render": "list", "default": {"a": 1, "b": ["x", 2]}', "list(a = 1, b = list('x', 2))"),
    ('"render": "list", "default": [1, 2]', "list(1, 2)"),
    ('"render": "data.frame", "default": {"n": [1, 2], "a b": ["x", "y"]}',
     "data.frame(n = c(1, 2), `a b` = c('x', 'y'), check.names = FALSE)"),
]  # fmt: skip


def test_deployrinput_renders_the_default(errors: Errors) -> None:
    codes = [
        f"""
        returned <- withVisible(deployrInput('{{ "name": "input", {declaration} }} '))
        stopifnot(identical(get("input", globalenv()), {value}), identical(returned$value, input), !returned$visible)
        """
        for declaration, value in DEFAULTS
    ]
    assert errors(codes) == {}


PASSED = [
    ("7", "integer", "7L"),
    ("'true'", "logical", "TRUE"),
    ("7L", "numeric", "7L"),
    ("'1000'", "numeric", "'1000'"),
    ("factor('q')", "factor", "factor('q')"),
    ("matrix(1:4, 2)", "matrix", "matrix(1:4, 2)"),
]


def test_a_passed_variable_wins_and_is_converted_for_integer_and_logical_only(errors: Errors) -> None:
    codes = [
        f"""
        input <- {passed}
        deployrInput('{{"name": "input", "render": "{render}", "default": 1}}')
        stopifnot(identical(input, {value}))
        """
        for passed, render, value in PASSED
    ]
    assert errors(codes) == {}


def test_a_function_of_the_search_path_is_not_taken_for_a_passed_variable(holds: Callable[[str], None]) -> None:
    holds("""deployrInput('{"name": "c", "render": "numeric", "default": 4}'); stopifnot(identical(c, 4))""")


def test_deployrinput_assigns_globally_when_called_in_a_function(holds: Callable[[str], None]) -> None:
    holds("""
      declare <- function() {
        deployrInput('{"name": "n", "render": "integer", "default": 2}')
        exists("n", inherits = FALSE)
      }
      stopifnot(!declare(), identical(n, 2L))
    """)


def test_strings_keep_escapes_and_other_alphabets(holds: Callable[[str], None]) -> None:
    holds(r"""
      deployrInput(r"({"name": "s", "default": "q\"\\\/\n\u00e9\ud83d\ude00 \\u0041 Grüße"})")
      stopifnot(identical(s, "q\"\\/\n\u00e9\U1F600 \\u0041 Gr\u00fc\u00dfe"))
    """)


def test_a_long_string_is_read_whole(holds: Callable[[str], None]) -> None:
    holds("""
      deployrInput(sprintf('{"name": "s", "default": "%s"}', strrep("ab\\\\n", 50000)))
      stopifnot(nchar(s) == 150000)
    """)


BAD = [
    ('{"name": "a", "render": "integer"}', "input 'a' was not passed and has no default"),
    ('{"render": "integer", "default": 1}', "needs a JSON object with a name"),
    ('["a"]', "needs a JSON object with a name"),
    ('{"name": "a", "default": 1', "not valid JSON: it ends too early"),
    ('{"name": "a", "default": }', "not valid JSON: unexpected }"),
    ('{"name": "a" "default": 1}', "not valid JSON: expected , or }"),
    ('{"name": "a", "default": 1} x', "not valid JSON: text after the value"),
    ('{name: "a", "default": 1}', "not valid JSON: unexpected name"),
    ('{"name": "a", "default": #}', "not valid JSON: unexpected #"),
    ("", "not valid JSON: it ends too early"),
]


def test_a_bad_declaration_is_refused_with_a_reason(errors: Errors) -> None:
    reasons = {f"deployrInput('{content}')": message for content, message in BAD}
    said = errors([*reasons])
    assert {code: message for code, message in reasons.items() if message not in said.get(code, "")} == {}


def test_an_installed_package_is_attached_without_asking_a_repository(holds: Callable[[str], None]) -> None:
    holds("""
      options(repos = "http://127.0.0.1:9", warn = 2)
      deployrPackage(c("splines", "tools"))
      stopifnot(c("package:splines", "package:tools") %in% search())
    """)


def test_a_missing_package_is_installed_from_the_repository_and_attached(holds: Callable[[str], None]) -> None:
    holds("""
      dir.create("repos/src/contrib", recursive = TRUE); dir.create("lib")
      f <- function() "from the repository"
      package.skeleton("samplepkg", "f", path = "repos/src/contrib", encoding = "UTF-8") |> suppressMessages()
      unlink("repos/src/contrib/samplepkg/man", recursive = TRUE)
      rm(f)
      setwd("repos/src/contrib")
      system2("R", c("CMD", "build", "samplepkg"), stdout = FALSE)
      tools::write_PACKAGES(".")
      setwd("../../..")
      deployrPackage("samplepkg", lib = "lib", repos = paste0("file://", normalizePath("repos")), quiet = TRUE)
      stopifnot(identical(f(), "from the repository"), dir.exists("lib/samplepkg"))
    """)


def test_a_package_that_no_repository_has_is_an_error(run_r: RunR, tmp_path: Path) -> None:
    (tmp_path / "src/contrib").mkdir(parents=True)
    (tmp_path / "src/contrib/PACKAGES").touch()
    done = run_r("deployrPackage('nosuchpackage', lib = '.', repos = paste0('file://', getwd()))")
    assert done.returncode != 0
    assert "nosuchpackage" in done.stderr


def test_deployrexternal_finds_files_below_the_directories_of_the_session(holds: Callable[[str], None]) -> None:
    holds("""
      options(deployrPublicExternalDir = "/data/public", deployrPrivateExternalDir = "/data/testuser")
      stopifnot(
        identical(deployrExternal("a.csv"), "/data/testuser/a.csv"),
        identical(deployrExternal("sub/a.csv", isPublic = TRUE), "/data/public/sub/a.csv"),
        identical(deployrExternal("a.csv", isPublic = NULL), "/data/testuser/a.csv")
      )
    """)


def test_deployrexternal_falls_back_to_the_working_directory(holds: Callable[[str], None]) -> None:
    holds("""stopifnot(identical(deployrExternal("a.csv", isPublic = TRUE), file.path(getwd(), "a.csv")))""")


def test_deployrexternal_refuses_paths_that_lead_out_of_the_directory(errors: Errors) -> None:
    files = ["../a.csv", "sub/../../a.csv", "a/../../sub/a.csv", "/../a.csv", "./../a.csv"]
    codes = [f"deployrExternal('{file}')" for file in files]
    said = errors(codes)
    assert [code for code in codes if "leads out of the external directory" not in said.get(code, "")] == []


def test_deployrexternal_allows_dots_that_stay_inside(holds: Callable[[str], None]) -> None:
    holds("""stopifnot(endsWith(deployrExternal("sub/../a..csv"), "/sub/../a..csv"))""")


def test_revoevent_hands_the_object_to_the_hook_of_the_session(holds: Callable[[str], None]) -> None:
    holds("""
      sent <- list()
      options(deployr.revoEvent = function(x) sent[[length(sent) + 1L]] <<- x)
      returned <- withVisible(revoEvent(list(a = 1)))
      stopifnot(identical(sent, list(list(a = 1))), is.null(returned$value), !returned$visible)
    """)


def test_revoevent_does_nothing_outside_a_server(run_r: RunR) -> None:
    done = run_r("revoEvent(1)")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize(
    "call", ["""revoInput('{"name": "a", "render": "integer", "default": 5}')""", "revoPackage('tools')"]
)
def test_the_revo_names_of_deployrutils_work_and_warn(holds: Callable[[str], None], call: str) -> None:
    holds(f"""
      warned <- FALSE
      withCallingHandlers({call}, deprecatedWarning = function(w) {{
        warned <<- TRUE
        tryInvokeRestart("muffleWarning")
      }})
      stopifnot(warned, exists("a") || "package:tools" %in% search())
    """)


def test_revoscripttools_offers_the_old_names_without_messages_or_warnings(run_r: RunR) -> None:
    done = run_r("""
      library(RevoScriptTools)
      revoPackage("tools")
      revoInput('{"name": "a", "render": "integer", "default": 5}')
      revoEvent(a)
      stopifnot(identical(a, 5L), identical(environment(revoInput), asNamespace("RevoScriptTools")))
    """)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


# -- rxStandIns -------------------------------------------------------------------------------------------


def test_rx_functions_fit_as_base_r_does(holds: Callable[[str], None]) -> None:
    holds("""
      library(rxStandIns)
      logit <- rxLogit(am ~ hp + wt, mtcars, reportProgress = 0)
      expected <- glm(am ~ hp + wt, binomial, mtcars)
      stopifnot(identical(coef(logit), coef(expected)))
      stopifnot(identical(predict(logit, mtcars), predict(expected, mtcars, type = "response")))
      stopifnot(identical(predict(logit, mtcars, type = "link"), predict(expected, mtcars)))
      linear <- rxLinMod(mpg ~ ., mtcars, pweights = "wt")
      stopifnot(identical(coef(linear), coef(lm(mpg ~ ., mtcars, weights = wt))))
    """)


def test_rx_models_say_that_they_stand_in(holds: Callable[[str], None]) -> None:
    holds("""
      library(rxStandIns)
      for (fitted in list(rxLogit(am ~ hp, mtcars), rxLinMod(mpg ~ hp, mtcars)))
        stopifnot(any(grepl("stands in for that of RevoScaleR", capture.output(print(fitted)))))
    """)


def test_rx_arguments_without_a_meaning_here_are_refused(run_r: RunR) -> None:
    done = run_r("rxStandIns::rxLogit(am ~ hp, mtcars, rowSelection = hp > 100)")
    assert done.returncode
    assert "rxStandIns knows no argument rowSelection" in done.stderr


def test_rx_serialize_model_writes_what_unserialize_reads_behind_a_prefix(holds: Callable[[str], None]) -> None:
    holds("""
      bytes <- rxStandIns::rxSerializeModel(lm(mpg ~ hp, mtcars), realtimeScoringOnly = TRUE)
      stopifnot(identical(rawToChar(bytes[1:4]), "blob"))
      stopifnot(identical(coef(unserialize(bytes[-(1:4)])), coef(lm(mpg ~ hp, mtcars))))
    """)
