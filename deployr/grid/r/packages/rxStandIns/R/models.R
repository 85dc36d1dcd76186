# Models of R itself under the names of RevoScaleR; what its functions take beyond formula, data and weights is refused
# rather than ignored, but for what only says how to go about it.

without_effect <- c("blocksPerRead", "reportProgress", "verbose", "computeContext", "cube", "covCoef", "variableSelection")

rxLogit <- function(formula, data, pweights = NULL, ...) {
  call <- match.call()
  check_arguments(call)
  marked(fit(glm, formula, data, pweights, family = binomial()), "rxLogit", call)
}

rxLinMod <- function(formula, data, pweights = NULL, ...) {
  call <- match.call()
  check_arguments(call)
  marked(fit(lm, formula, data, pweights), "rxLinMod", call)
}

# The weights are named as a column of the data; they are found beside the formula, lest `.` in it means them too.
fit <- function(fitter, formula, data, pweights, ...) {
  if (is.null(pweights)) return(fitter(formula, data = data, ...))
  environment(formula) <- list2env(list(.pweights = data[[pweights]]), parent = environment(formula))
  fitter(formula, data = data, weights = .pweights, ...)
}

check_arguments <- function(call) {
  unknown <- setdiff(names(call), c("", names(formals(rxLogit)), without_effect))
  if (length(unknown))
    stop("rxStandIns knows no argument ", paste(unknown, collapse = ", "), call. = FALSE)
}

marked <- function(model, name, call) {
  model$call <- call
  class(model) <- c(name, class(model))
  model
}

# The probability, which is what a score of rxLogit is.
predict.rxLogit <- function(object, newdata = NULL, type = "response", ...) NextMethod(type = type)

print.rxLogit <- function(x, ...) {
  cat("Fitted by stats::glm: rxLogit of rxStandIns stands in for that of RevoScaleR.\n")
  NextMethod()
}

print.rxLinMod <- function(x, ...) {
  cat("Fitted by stats::lm: rxLinMod of rxStandIns stands in for that of RevoScaleR.\n")
  NextMethod()
}
