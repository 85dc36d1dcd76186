# Compares what arrived with what values.js meant. Days and instants are those of values.js.
instants <- as.POSIXct(c("2011-10-05 12:13:14", "1999-12-31 23:59:59"), tz = "UTC")
days <- as.Date(c("2011-02-01", "2012-02-29", "1969-12-31"))
same_instant <- function(x, y) inherits(x, "POSIXct") && identical(as.numeric(x), as.numeric(y))
plain <- function(frame) lapply(as.list(frame), function(column) if (is.factor(column)) as.character(column) else column)

results <- list(
  x_character = identical(x_character, "Gr\u00fc\u00dfe, \"Welt\" \\ \u20ac"),
  x_integer = x_integer == 10 && is.numeric(x_integer),
  x_numeric = identical(x_numeric, 5.5),
  x_logical = identical(x_logical, TRUE),
  x_date = identical(x_date, as.Date("2011-10-04")),
  x_posixct = same_instant(x_posixct, instants[1]),
  x_character_vector = identical(x_character_vector, c("a", "b", "")),
  x_integer_vector = all(x_integer_vector == 10:12) && is.numeric(x_integer_vector),
  x_numeric_vector = identical(x_numeric_vector, c(10.1, -2.5e300, 0)),
  x_logical_vector = identical(x_logical_vector, c(TRUE, FALSE, TRUE)),
  x_date_vector = identical(x_date_vector, days),
  x_posixct_vector = same_instant(x_posixct_vector, instants),
  x_numeric_matrix = identical(x_numeric_matrix, rbind(c(1.5, 3, 12), c(2, 11, 13))),
  x_integer_matrix = is.matrix(x_integer_matrix) && all(x_integer_matrix == rbind(1:2, 3:4, 5:6)),
  x_logical_matrix = identical(x_logical_matrix, rbind(c(TRUE, FALSE), c(FALSE, FALSE))),
  x_character_matrix = identical(x_character_matrix, rbind(c("a", "b", "c"))),
  x_factor = identical(x_factor, factor(c("b", "a", "b"))),
  x_factor_labels = identical(
    x_factor_labels,
    factor(c("s", "l", "s"), levels = c("s", "m", "l"), labels = c("small", "medium", "large"))
  ),
  x_ordered = identical(x_ordered, factor(c("low", "high"), levels = c("low", "mid", "high"), ordered = TRUE)),
  x_list = identical(names(x_list), c("text", "numbers", "day", "instants", "factor", "matrix", "inner", "frame")) &&
    identical(x_list$text, "one") &&
    identical(x_list$numbers, c(1.5, 2)) &&
    identical(x_list$day, as.Date("2011-10-04")) &&
    same_instant(x_list$instants, instants) &&
    identical(x_list$factor, factor(c("u", "v"))) &&
    identical(x_list$matrix, cbind(c(TRUE, FALSE))) &&
    x_list$inner$deep == 7 &&
    identical(plain(x_list$frame), list(a = c(1, 2), b = c("x", "y"))),
  x_dataframe = is.data.frame(x_dataframe) &&
    identical(names(x_dataframe), c("name", "age", "member", "joined", "seen", "group", "score")) &&
    identical(as.character(x_dataframe$name), c("ann", "bob")) &&
    identical(as.numeric(x_dataframe$age), c(41, 42)) &&
    identical(x_dataframe$member, c(TRUE, FALSE)) &&
    identical(x_dataframe$joined, days[1:2]) &&
    same_instant(x_dataframe$seen, instants) &&
    identical(x_dataframe$group, factor(c("g1", "g2"))) &&
    identical(x_dataframe$score, c(0.5, 0.25))
)
checks <- lapply(results, isTRUE)
