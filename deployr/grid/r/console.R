# Console text. cat() to stdout and stderr reaches the server through Rserve's console hooks while code runs.

say <- function(...) cat(..., sep = "")

complain <- function(...) cat(..., sep = "", file = stderr())

# options(pager=): help and the like are console text here.
show_file <- function(files, header = NULL, title = NULL, delete.file = FALSE) {
  for (file in files) say(paste0(readLines(file, warn = FALSE), "\n"))
  if (delete.file) unlink(files)
}

# Source lines with R's prompts, comment lines above an expression included.
echo <- function(lines, leading) {
  prompts <- rep("+ ", length(lines))
  prompts[seq_len(leading + 1L)] <- "> "
  say(paste0("\n", paste0(prompts, lines, "\n", collapse = "")))
}
