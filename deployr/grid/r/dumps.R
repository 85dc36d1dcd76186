# Objects as bytes: how clients of the 9.x API send and fetch them.

# arguments: name. The bytes of an rData file that holds the object under its name.
dump_object <- function(arguments) {
  check_exists(arguments$name)
  bytes <- rawConnection(raw(), "wb")
  on.exit(close(bytes))
  save(list = arguments$name, file = bytes, envir = globalenv())
  rawConnectionValue(bytes)
}

# arguments: name, content (what serialize, saveRDS or save wrote, compressed or not). The only object of an rData file
# gets the name; several keep theirs.
undump_object <- function(arguments) {
  path <- state_file("undumped")
  on.exit(unlink(path))
  writeBin(arguments$content, path)
  objects <- tryCatch(
    suppressWarnings(undumped_objects(path, arguments$name)),
    error = function(e) stop("the object cannot be loaded: ", conditionMessage(e), call. = FALSE)
  )
  list2env(objects, globalenv())
  NULL
}

undumped_objects <- function(path, name) {
  head <- dump_head(path)
  if (grepl("^RD[ABX][0-9]\n", head)) {
    loaded <- new.env(parent = emptyenv())
    load(path, envir = loaded)
    objects <- as.list(loaded, all.names = TRUE)
    if (length(objects) == 1L) names(objects) <- name
    return(objects)
  }
  if (!grepl("^[ABX]\n", head)) stop("it is neither an rData file nor what serialize() writes")
  objects <- list(readRDS(path))
  names(objects) <- name
  objects
}

# The first characters of a file, whatever compresses it.
dump_head <- function(path) {
  file <- gzfile(path, "rb")
  on.exit(close(file))
  bytes <- readBin(file, "raw", 5L)
  rawToChar(bytes[bytes != 0L])
}
