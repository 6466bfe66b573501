# Reference values for test/pgtap/matched.sql, from R (written with 4.2.2).
# Run at the top of the tree:  Rscript test/reference/matched.R
# It writes test/data/matched_values.sql and matched.sql; R is not needed to
# run the test.
source("test/reference/write.R")

wave <- function(n, centre, spread) centre + spread * round(sin(1:n * 1.7), 3) # repeatable, no luck in it
counted <- function(n) rep(seq_along(n), n)

# A case is a list of strata, each with the values before and after.
cases <- list(
	# US Transportation Security Administration contact centre, question on
	# trust, 2022 quarters 1 and 2, answers 1 to 5 (US Government work).
	tsa = list(
		email = list(counted(c(92, 38, 47, 33, 35)), counted(c(1161, 696, 1048, 1066, 1010))),
		phone = list(counted(c(310, 299, 676, 978, 5919)), counted(c(428, 377, 653, 1153, 9631)))),
	"one stratum" = list(
		a = list(wave(9, 10, 2), wave(14, 11, 3))),
	"three strata" = list(
		a = list(wave(5, 10, 2), wave(40, 11, 3)),
		b = list(wave(25, 50, 9), wave(7, 44, 1)),
		c = list(wave(12, -3, 0.5), wave(2, -2, 4))),
	"two on one side alone" = list(
		a = list(wave(6, 10, 2), wave(8, 12, 3)),
		b = list(wave(9, 20, 4), wave(3, 20.5, 1)),
		opened = list(NULL, wave(20, 90, 4)),
		closed = list(wave(1, 70, 4), NULL)),
	"a constant stratum" = list(
		a = list(c(3, 3, 3), c(4, 4, 4, 4)),
		b = list(wave(9, 20, 4), wave(5, 21, 1))),
	"scale 1e150" = list(
		a = list(1e150 * c(1, 2, 4), 1e150 * c(2, 3, 7, 9)),
		b = list(1e150 * c(10, 12), 1e150 * c(14, 19, 11))),
	"scale 1e-200" = list(
		a = list(1e-200 * c(1, 2, 4), 1e-200 * c(2, 3, 7, 9)),
		b = list(1e-200 * c(10, 12), 1e-200 * c(14, 19, 11))),
	"offset 1e9" = list(
		a = list(1e9 + c(1, 2, 4), 1e9 + c(2, 3, 7, 9)),
		b = list(1e9 + c(10, 12), 1e9 + c(14, 19, 11))))
# Where R's own sums would overflow, vanish or lose digits it gets the values
# in a better unit; differences do not know the offset.
scale_of <- c("scale 1e150" = 1e150, "scale 1e-200" = 1e-200)
offset_of <- c("offset 1e9" = 1e9)

matched <- function(name, strata) {
	scale <- if (name %in% names(scale_of)) scale_of[[name]] else 1
	offset <- if (name %in% names(offset_of)) offset_of[[name]] else 0
	before <- lapply(strata, function(s) (s[[1]] - offset) / scale)
	after <- lapply(strata, function(s) (s[[2]] - offset) / scale)
	both <- lengths(before) > 0 & lengths(after) > 0
	total <- mean(unlist(after)) - mean(unlist(before))
	n1 <- lengths(before)[both]
	n2 <- lengths(after)[both]
	w <- (n1 / sum(n1) + n2 / sum(n2)) / 2
	difference <- sum(w * (sapply(after[both], mean) - sapply(before[both], mean)))
	v <- c(w^2 * sapply(before[both], var) / n1, w^2 * sapply(after[both], var) / n2)
	se <- sqrt(sum(v))
	df <- sum(v)^2 / sum(v^2 / (c(n1, n2) - 1))
	data.frame(name = name,
		total_difference = total * scale, matched_difference = difference * scale, mix_difference = (total - difference) * scale,
		se = se * scale, ci_low = (difference - qt(0.975, df) * se) * scale, ci_high = (difference + qt(0.975, df) * se) * scale,
		p_value = 2 * pt(-abs(difference / se), df), strata_used = sum(both), strata_left_out = sum(!both))
}
values <- do.call(rbind, lapply(names(cases), function(name)
	do.call(rbind, lapply(names(cases[[name]]), function(stratum)
		do.call(rbind, lapply(1:2, function(side) {
			x <- cases[[name]][[stratum]][[side]]
			if (length(x) > 0)
				data.frame(name = name, stratum = stratum, is_after = side == 2,
					answers = array_of(as.numeric(sort(unique(x)))), counts = array_of(as.numeric(table(x))))
		}))))))
values$is_after <- ifelse(values$is_after, "true", "false")
write_copy("matched_values", values)
write_copy("matched", do.call(rbind, Map(matched, names(cases), cases)))
