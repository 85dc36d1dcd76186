# Declares an input of a script. A variable of that name, put into the global environment by the caller, wins over the
# default. `min`, `max` and `label` describe the form field that Repository Manager builds; they do not limit the value.
deployrInput <- function(content) {
  declaration <- read_declaration(content)
  name <- declaration[["name"]]
  passed <- get0(name, envir = globalenv(), inherits = FALSE)
  value <- if (is.null(passed)) default_value(declaration) else passed_value(passed, declaration[["render"]])
  assign(name, value, envir = globalenv())
  invisible(value)
}

# Deprecated name of deployrInput.
revoInput <- function(content) {
  .Deprecated("deployrInput")
  deployrInput(content)
}

read_declaration <- function(content) {
  declaration <- parse_json(content)
  name <- if (is.list(declaration)) declaration[["name"]]
  if (!is.character(name) || length(name) != 1L || !nzchar(name)) {
    stop("an input needs a JSON object with a name", call. = FALSE)
  }
  if (is.null(declaration[["render"]])) {
    declaration[["render"]] <- if (is.null(declaration[["levels"]])) "" else "factor"
  }
  declaration
}

# Callers have one kind of number and many have no logical values, so only these two renders convert what was passed;
# anything else stays as sent, and a wrong type fails where the script uses it.
passed_value <- function(passed, render) {
  switch(render, integer = as.integer(passed), logical = as.logical(passed), passed)
}

default_value <- function(declaration) {
  default <- declaration[["default"]]
  if (is.null(default)) {
    stop("input '", declaration[["name"]], "' was not passed and has no default", call. = FALSE)
  }
  switch(declaration[["render"]],
    integer = as.integer(default),
    numeric = as.numeric(default),
    logical = as.logical(default),
    character = as.character(default),
    factor = ,
    ordered = default_factor(default, declaration),
    vector = unlist(default),
    matrix = default_matrix(default),
    list = as.list(default),
    data.frame = default_frame(default),
    default
  )
}

# The default may be given as a level or as its label.
default_factor <- function(default, declaration) {
  values <- as.character(default)
  levels <- first_given(declaration[["levels"]], declaration[["labels"]], sort(unique(values)))
  labels <- first_given(declaration[["labels"]], levels)
  labelled <- !values %in% levels
  values[labelled] <- levels[match(values[labelled], labels)]
  factor(values, levels = levels, labels = labels, ordered = declaration[["render"]] == "ordered")
}

first_given <- function(...) as.character(Find(Negate(is.null), list(...)))

# DeployR writes a matrix as an array of rows; a flat array is one column.
default_matrix <- function(default) {
  if (is.list(default)) do.call(rbind, lapply(default, unlist)) else as.matrix(default)
}

# An object of columns.
default_frame <- function(default) {
  if (!is.list(default)) return(as.data.frame(default))
  as.data.frame(lapply(default, unlist), optional = TRUE, stringsAsFactors = FALSE)
}
