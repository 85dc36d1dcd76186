# Path of an external data file. The server sets both options in each session; elsewhere the working directory serves.
deployrExternal <- function(file, isPublic = FALSE) {
  if (climbs_out(file)) stop("'", file, "' leads out of the external directory", call. = FALSE)
  option <- if (isTRUE(isPublic)) "deployrPublicExternalDir" else "deployrPrivateExternalDir"
  file.path(getOption(option, getwd()), file)
}

# Whether a path is above its start at any step: "a/../b" is not, "a/../../a/b" is.
climbs_out <- function(file) {
  steps <- strsplit(file, "[/\\\\]")[[1]]
  depth <- cumsum(ifelse(steps == "..", -1L, ifelse(steps %in% c("", "."), 0L, 1L)))
  any(depth < 0L)
}
