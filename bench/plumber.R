# The plumber service that the server is compared with: evaluates posted code, serves a data frame.
# Rscript plumber.R PORT FRAME.R, where FRAME.R makes `frame`.
arguments <- commandArgs(trailingOnly = TRUE)
source(arguments[2])
service <- plumber::pr()
service <- plumber::pr_post(service, "/run", function(code) eval(parse(text = code), new.env()))
service <- plumber::pr_get(service, "/frame", function() frame)
plumber::pr_run(service, host = "127.0.0.1", port = as.integer(arguments[1]), docs = FALSE, quiet = TRUE)
