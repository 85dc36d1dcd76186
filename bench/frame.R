# The data frame that both servers serve: 100,000 rows of a double, an integer and a character column.
set.seed(1)
frame <- data.frame(
  amount = runif(100000),
  count = seq_len(100000),
  label = sprintf("row-%06d", seq_len(100000)),
  stringsAsFactors = FALSE
)
