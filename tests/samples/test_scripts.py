"""Each sample script, run by a real R with the preloads and inputs that clients send."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Execute = Callable[..., subprocess.CompletedProcess[str]]

FRAUD_SCRIPT = "example-fraud-score/ccFraudScore.R"
FRAUD_MODEL = "example-fraud-score/fraudModel.rData"
STARS_SCRIPT = "example-data-io/dataIO.R"
STARS_TABLE = "example-data-io/hipStar.dat"
STARS_OBJECT = "example-data-io/hipStar.rData"
RTSCORE_SCRIPT = "tutorial-rbroker/rtScore.R"
INSURANCE_MODEL = "tutorial-rbroker/insurModel.rData"


def produced(directory: Path) -> set[str]:
    return {file.name for file in directory.iterdir()}


def test_the_histogram_is_one_unnamed_plot_without_input_or_package(succeeds: Execute, tmp_path: Path) -> None:
    succeeds("root/Histogram of Auto Sales.R", after='stopifnot(!isNamespaceLoaded("deployrUtils"))')
    assert produced(tmp_path) == {"unnamedplot001.png"}


@pytest.mark.parametrize(("inputs", "length"), [("", 100), ("input_randomNum <- 10", 10)])
def test_hello_world_leaves_as_many_random_numbers_as_asked_for(
    succeeds: Execute, tmp_path: Path, inputs: str, length: int
) -> None:
    succeeds("root/DeployR - Hello World.R", inputs=inputs, after=f"stopifnot(is.double(x), length(x) == {length})")
    assert produced(tmp_path) == {"histogram.png"}


def test_readcsv_names_the_numeric_columns_of_its_own_table(succeeds: Execute) -> None:
    succeeds("root/DeployR - ReadCSV.R", after='stopifnot(identical(output_vars, c("mpg", "hp", "wt", "price")))')


def test_readcsv_reads_a_file_of_the_working_directory(succeeds: Execute, tmp_path: Path) -> None:
    (tmp_path / "own.csv").write_text("a,b,c\n1,x,2.5\n")
    after = 'stopifnot(identical(output_vars, c("a", "c")), nrow(input_data) == 1)'
    succeeds("root/DeployR - ReadCSV.R", inputs='input_file <- "own.csv"', after=after)


def test_simple_regression_plots_columns_of_the_table_that_readcsv_left(succeeds: Execute, tmp_path: Path) -> None:
    succeeds(
        "root/DeployR - ReadCSV.R",
        "root/DeployR - Simple Regression.R",
        inputs='input_x <- "hp"; input_y <- "price"',
        after="stopifnot(all.equal(coefficients, as.numeric(coef(lm(price ~ hp, input_data)))), r_squared > 0.9)",
    )
    assert produced(tmp_path) == {"unnamedplot001.png"}


def test_simple_regression_runs_alone_with_its_defaults(succeeds: Execute) -> None:
    after = "stopifnot(all.equal(coefficients, as.numeric(coef(lm(mpg ~ hp, mtcars)))))"
    succeeds("root/DeployR - Simple Regression.R", after=after)


def test_simple_regression_refuses_an_unknown_column(execute: Execute) -> None:
    assert (
        "no such column: nothing" in execute("root/DeployR - Simple Regression.R", inputs='input_x <- "nothing"').stderr
    )


@pytest.mark.parametrize("preload", ["objects", "files"])
def test_the_fraud_score_is_a_probability_however_the_model_is_preloaded(succeeds: Execute, preload: str) -> None:
    done = succeeds(
        FRAUD_SCRIPT,
        inputs="bal <- 18000; trans <- 80; credit <- 5",
        after="stopifnot(is.double(x), length(x) == 1, is.null(names(x)), x > 0.5, x < 1)",
        **{preload: [FRAUD_MODEL]},
    )
    assert done.stderr == ""


def test_the_fraud_score_grows_with_the_balance_and_has_defaults_for_all_inputs(succeeds: Execute) -> None:
    low = succeeds(FRAUD_SCRIPT, objects=[FRAUD_MODEL], after="cat(x)").stdout
    high = succeeds(FRAUD_SCRIPT, objects=[FRAUD_MODEL], inputs="bal <- 25000", after="cat(x)").stdout
    assert 0 < float(low) < float(high) < 1


def test_the_fraud_model_takes_the_columns_of_the_originals_script(succeeds: Execute) -> None:
    account = "data.frame(balance = 5000, numTrans = 12, creditLine = 8)"
    assert float(succeeds(objects=[FRAUD_MODEL], after=f"cat(predict(fraudModel, {account}))").stdout) < 0


def test_the_fraud_score_refuses_a_balance_that_is_text(execute: Execute) -> None:
    done = execute(FRAUD_SCRIPT, objects=[FRAUD_MODEL], inputs='bal <- "1000"')
    assert done.returncode != 0
    assert "'balance'" in done.stderr


def test_the_fraud_score_fails_without_its_model(execute: Execute) -> None:
    done = execute(FRAUD_SCRIPT)
    assert done.returncode != 0
    assert "fraudModel.rData" in done.stderr


@pytest.mark.parametrize("preload", ["objects", "files"])
def test_rtscore_scores_customers_by_number(succeeds: Execute, preload: str) -> None:
    after = "cat(is.double(score), length(score), score)"
    outputs = [
        succeeds(RTSCORE_SCRIPT, inputs=f"customerid <- {number}", after=after, **{preload: [INSURANCE_MODEL]}).stdout
        for number in (0, 7)
    ]
    assert all(re.fullmatch(r"TRUE 1 0\.\d+", output) for output in outputs)
    assert outputs[0] != outputs[1]


def test_the_no_op_sleeps_five_seconds(testuser: Path) -> None:
    code = (testuser / "tutorial-rbroker/5SecondNoOp.R").read_text()
    assert [line for line in code.splitlines() if line and not line.startswith("#")] == ["Sys.sleep(5)"]


@pytest.mark.parametrize(
    "session",
    [
        {"files": [STARS_TABLE]},
        {"objects": [STARS_OBJECT]},
        {"files": [STARS_TABLE], "inputs": 'hipStarUrl <- "hipStar.dat"'},
    ],
    ids=["file", "object", "address"],
)
def test_dataio_hands_back_the_stars_in_every_form(
    succeeds: Execute, tmp_path: Path, session: dict[str, str | list[str]]
) -> None:
    after = """
      stopifnot(is.data.frame(hip), identical(hipDim, c(200L, 9L)), identical(hipNames, names(hip)), anyNA(hip$B.V))
      stored <- new.env(); load("hip.rData", stored); stopifnot(identical(stored$hip, hip))
      stopifnot(nrow(read.csv("hip.csv")) == 200)
    """
    succeeds(STARS_SCRIPT, after=after, **session)
    assert produced(tmp_path) - {"hipStar.dat"} == {"hip.rData", "hip.csv", "unnamedplot001.png"}


def test_dataio_takes_a_data_frame_sent_as_an_input(succeeds: Execute) -> None:
    inputs = "hip <- data.frame(HIP = 1:3, Vmag = c(1.5, 2, 3))"
    succeeds(STARS_SCRIPT, inputs=inputs, after="stopifnot(identical(hipDim, 3:2))")


def test_dataio_falls_back_to_the_preloaded_stars_when_the_address_is_dead(succeeds: Execute) -> None:
    inputs = 'hipStarUrl <- "http://127.0.0.1:9/HIP_star.dat"'
    done = succeeds(
        STARS_SCRIPT, objects=[STARS_OBJECT], inputs=inputs, after="stopifnot(identical(hipDim, c(200L, 9L)))"
    )
    assert "No stars read from http://127.0.0.1:9/HIP_star.dat" in done.stderr


def test_dataio_fails_without_any_stars(execute: Execute) -> None:
    assert "no stars: pass hipStarUrl" in execute(STARS_SCRIPT).stderr


@pytest.mark.parametrize(
    ("file", "name"), [(FRAUD_MODEL, "fraudModel"), (INSURANCE_MODEL, "insurModel"), (STARS_OBJECT, "hip")]
)
def test_a_preloaded_file_brings_one_object_and_is_small(
    succeeds: Execute, testuser: Path, file: str, name: str
) -> None:
    assert succeeds(objects=[file], after="cat(ls())").stdout == name
    assert (testuser / file).stat().st_size < 10_000


def test_the_data_files_are_what_their_script_makes(samples: Path, testuser: Path, tmp_path: Path) -> None:
    for directory in ("example-fraud-score", "tutorial-rbroker", "example-data-io"):
        (tmp_path / "testuser" / directory).mkdir(parents=True)
    subprocess.run(["Rscript", "--vanilla", samples / "make_rdata.R", tmp_path], check=True, capture_output=True)
    assert (tmp_path / "testuser" / STARS_TABLE).read_bytes() == (testuser / STARS_TABLE).read_bytes()
    compare = """
      files <- commandArgs(TRUE)
      objects <- lapply(files, function(file) { stored <- new.env(); load(file, stored); as.list(stored) })
      stopifnot(isTRUE(all.equal(objects[[1]], objects[[2]])))
    """
    for file in (FRAUD_MODEL, INSURANCE_MODEL, STARS_OBJECT):
        both = [tmp_path / "testuser" / file, testuser / file]
        subprocess.run(["Rscript", "--vanilla", "-e", compare, *both], check=True, capture_output=True)
