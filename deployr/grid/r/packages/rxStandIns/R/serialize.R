# The bytes that a realtime service of this server takes: what serialize() writes, behind the prefix that clients look
# for. `metadata` and `realtimeScoringOnly` are accepted and change nothing.
rxSerializeModel <- function(model, metadata = NULL, realtimeScoringOnly = FALSE) {
  c(charToRaw("blob"), serialize(model, NULL))
}
