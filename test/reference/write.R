# How the scripts beside this one write reference values: as SQL that a test
# reads with \ir.

# As few digits as read back to the same number.
number <- function(x) vapply(x, function(one) {
	if (is.na(one)) return("")
	for (digits in 15:17)
		if (as.numeric(shown <- sprintf("%.*g", digits, one)) == one) break
	shown
}, "")

# One statement: the table's columns, then its rows as CSV.
write_copy <- function(table, rows) {
	columns <- lapply(rows, function(x) if (is.numeric(x)) number(x) else x)
	writeLines(c(
		sprintf("COPY %s (%s) FROM stdin WITH (FORMAT csv);", table, paste(names(rows), collapse = ", ")),
		do.call(paste, c(columns, sep = ",")),
		"\\."), file.path("test/data", paste0(table, ".sql")))
}

# An array of numbers as one field of CSV.
array_of <- function(x) paste0('"{', paste(number(x), collapse = ","), '}"')
