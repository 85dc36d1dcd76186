# Objects of the workspace: what they are called on the wire, and their values in a form that QAP1 can carry.

deepest <- 64L
longest_print <- 10000L

# The value of what may run user code, or something else when that fails or jumps away.
attempt <- function(expression, otherwise) {
  withRestarts(tryCatch(expression, error = function(e) otherwise), abort = function() otherwise)
}

# An object that has no wire encoding: its class and how it prints.
opaque <- function(x) {
  printed <- attempt(paste(utils::capture.output(if (isS4(x)) methods::show(x) else print(x)), collapse = "\n"), "")
  structure(list(class = class(x), printed = substr(printed, 1L, longest_print)), class = "deployr.opaque")
}

# A value that can travel: environments, functions, S4 objects, models and what is nested too deep become opaque.
portable <- function(x, depth = 0L) {
  if (carries(x)) return(x)
  if (depth > deepest || isS4(x)) return(opaque(x))
  type <- typeof(x)
  if (type == "list") {
    if (inherits(x, "POSIXlt")) return(as.POSIXct(x))
    if (is.object(x) && !is.data.frame(x)) return(opaque(x))
    plain <- vapply(x, carries, NA)
    # Without its class, for which packages may have an assignment of their own, as data.table has.
    if (!all(plain)) {
      classes <- oldClass(x)
      x <- unclass(x)
      x[!plain] <- lapply(x[!plain], portable, depth + 1L)
      oldClass(x) <- classes
    }
    return(plain_attributes(x, depth))
  }
  if (type == "pairlist") return(portable(as.list(x), depth))
  if (type %in% c("NULL", "logical", "integer", "double", "complex", "character", "raw"))
    return(plain_attributes(x, depth))
  opaque(x)
}

# TRUE for atomic vectors whose attributes need no look.
carries <- function(x) is.atomic(x) && !isS4(x) && is.null(attributes(x))

harmless <- c("names", "dim", "dimnames", "class", "levels", "row.names", "tzone", "tsp", "units", "deployr.format")

plain_attributes <- function(x, depth) {
  kept <- attributes(x)
  strange <- !names(kept) %in% harmless | !vapply(kept, is_plain_attribute, NA)
  for (name in names(kept)[strange]) attr(x, name) <- NULL
  x
}

# Attributes travel as they are: no functions, environments or deep lists in them.
is_plain_attribute <- function(x) is.atomic(x) || (is.list(x) && all(vapply(x, is.atomic, NA)))

# type and rclass of an object as the API names them (7x-facts 4.1); deployr.encodings.objects says the same of values.
describe <- function(x) {
  other <- function() c("object", class(x)[1L])
  if (isS4(x)) return(other())
  if (is.null(x)) return(c("primitive", "NULL"))
  if (is.data.frame(x)) return(c("dataframe", "data.frame"))
  if (is.factor(x)) return(c("factor", if (is.ordered(x)) "ordered" else "factor"))
  if (inherits(x, "Date")) return(c(if (length(x) == 1L) "date" else "vector", "Date"))
  if (inherits(x, "POSIXt")) return(c(if (length(x) == 1L) "date" else "vector", "POSIXct"))
  mode <- typeof(x)
  if (mode %in% c("logical", "integer", "double", "character")) {
    if (length(dim(x)) == 2L) return(c("matrix", "matrix"))
    if (length(dim(x)) > 2L) return(c("object", "array"))
    one <- length(x) == 1L
    rclass <- switch(mode, double = "numeric", integer = if (one) "integer" else "numeric", mode)
    return(c(if (one) "primitive" else "vector", rclass))
  }
  if (mode == "list" && !is.object(x) && is.null(dim(x))) return(c("list", "list"))
  other()
}

# The environment or list whose members are meant: the workspace, or the object named `root`.
container <- function(root) {
  if (is.null(root)) return(globalenv())
  x <- workspace_object(root)
  if (!is.list(x)) stop("object '", root, "' has no members", call. = FALSE)
  x
}

check_exists <- function(name) {
  if (!exists(name, envir = globalenv(), inherits = FALSE)) stop("object '", name, "' not found", call. = FALSE)
}

workspace_object <- function(name) {
  check_exists(name)
  get(name, envir = globalenv(), inherits = FALSE)
}

member <- function(where, name) {
  if (is.environment(where)) return(workspace_object(name))
  if (!name %in% names(where)) stop("object '", name, "' not found", call. = FALSE)
  where[[name]]
}

# One that cannot be read, such as a promise that fails, is listed all the same.
look_at <- function(name, where) {
  unreadable <- list(class = character(), described = c("object", "unreadable"))
  attempt(
    {
      x <- member(where, name)
      list(class = class(x), described = describe(x))
    },
    unreadable
  )
}

# arguments: root, clazz, filter (name prefix), hidden, restrict, pagesize, pageoffset; all may be NULL.
list_objects <- function(arguments) {
  where <- container(arguments$root)
  names <- if (is.environment(where)) ls(where, all.names = isTRUE(arguments$hidden)) else names(where)
  if (!is.null(arguments$filter)) names <- names[startsWith(names, arguments$filter)]
  seen <- lapply(names, look_at, where)
  keep <- vapply(seen, function(it) is.null(arguments$clazz) || arguments$clazz %in% it$class, NA)
  described <- vapply(seen[keep], function(it) it$described, c("", ""))
  found <- list(name = names[keep], type = as.vector(described[1L, ]), rclass = as.vector(described[2L, ]))
  if (isTRUE(arguments$restrict)) {
    encoded <- found$type %in% c("primitive", "vector", "matrix", "list", "dataframe", "factor", "date")
    found <- lapply(found, `[`, encoded)
  }
  size <- arguments$pagesize
  if (!is.null(size) && size > 0) {
    from <- if (is.null(arguments$pageoffset)) 0L else arguments$pageoffset
    found <- lapply(found, function(column) utils::head(utils::tail(column, max(0L, length(column) - from)), size))
  }
  found$branch <- found$type %in% c("list", "dataframe")
  found
}

# arguments: names, root, start (first element, from 1), length; a named list of values in the order asked.
get_objects <- function(arguments) {
  where <- container(arguments$root)
  values <- lapply(arguments$names, function(name) portable(member(where, name)))
  if (!is.null(arguments$start) || !is.null(arguments$length))
    values <- lapply(values, segment, arguments$start, arguments$length)
  names(values) <- arguments$names
  values
}

segment <- function(x, start, length) {
  if (!is.atomic(x) || !is.null(dim(x))) return(x)
  from <- if (is.null(start)) 1L else max(1L, start)
  to <- if (is.null(length)) base::length(x) else min(base::length(x), from + length - 1L)
  if (to < from) x[0L] else x[from:to]
}

assign_objects <- function(arguments) {
  list2env(arguments$inputs, globalenv())
  NULL
}

# All must exist; then all go.
delete_objects <- function(arguments) {
  for (name in arguments$names) check_exists(name)
  rm(list = arguments$names, envir = globalenv())
  NULL
}

# Those of the names that exist in the workspace, as a named list.
existing_objects <- function(names) {
  names <- names[vapply(names, exists, NA, envir = globalenv(), inherits = FALSE)]
  values <- lapply(names, function(name) portable(get(name, envir = globalenv(), inherits = FALSE)))
  names(values) <- names
  values
}
