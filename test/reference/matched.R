# Reference values for test/pgtap/matched.sql and rank.sql, from R (written with 4.2.2).
# Run at the top of the tree:  Rscript test/reference/matched.R
# It writes test/data/matched*.sql, differences*.sql, trends*.sql, ranks.sql and
# q_values.sql; R is not needed to run the tests.
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

# Difference in differences and trends: units with a group, each with values
# before and after, or at days.
units <- function(n, centre, spread, change, change_spread) lapply(1:n, function(i)
	list(centre + spread * round(sin(i * 2.3), 3) + (0:2) / 4,
		centre + spread * round(sin(i * 2.3), 3) + change + change_spread * round(cos(i * 1.1), 3) + (0:1) / 2))
# Digital take-up of UK services by quarter, April 2013 to March 2014 and April
# 2015 to March 2016: those that were rebuilt first, in 2014, and the others of
# four departments that were not digital yet.
numbers <- function(list) as.numeric(strsplit(list, ",")[[1]])[1:20]
take_up <- function() {
	lines <- readLines("test/data/uk_transactions.sql")
	fields <- Filter(length, regmatches(lines, regexec("^\t\\('([^']*)','([^']*)','([^']*)'", lines)))
	units <- lapply(fields, function(f) {
		share <- round(numbers(f[4]) / numbers(f[3]), 4)
		lapply(list(share[9:12], share[17:20]), function(x) x[is.finite(x)])
	})
	names(units) <- sapply(fields, `[`, 2)
	rebuilt <- c("dft-check-your-own-driver-details", "dft-report-change-of-ownership-of-vehicle", "dwp-carers-allowance-new-claims",
		"hmrc-self-assessment", "moj-prison-visit-booking")
	known <- units[sapply(units, function(u) all(lengths(u) > 0)) & grepl("^(dft|dwp|hmrc|moj)-", names(units))]
	is_late <- sapply(known, function(u) mean(u[[1]]) < 0.95)
	list(treated = unname(known[rebuilt]), control = unname(known[is_late & !names(known) %in% rebuilt]))
}
groups <- list(
	"digital take-up" = take_up(),
	"balanced" = list(treated = units(12, 20, 5, -3, 1), control = units(15, 30, 9, -1, 2)),
	"two against two" = list(treated = units(2, 20, 5, -3, 1), control = units(2, 30, 9, -1, 2)),
	"unequal" = list(treated = units(3, 20, 5, -3, 0.1), control = units(40, 30, 9, -1, 8)),
	"one treated" = list(treated = units(1, 20, 5, -3, 1), control = units(7, 30, 9, -1, 2)))
mean_of <- function(side) function(unit) mean(unit[[side]])
did <- function(name, is_paired) {
	t <- groups[[name]]$treated
	c <- groups[[name]]$control
	before <- list(sapply(c, mean_of(1)), sapply(t, mean_of(1)))
	after <- list(sapply(c, mean_of(2)), sapply(t, mean_of(2)))
	change <- Map(`-`, after, before)
	estimate <- mean(change[[2]]) - mean(change[[1]])
	if (!is_paired) {
		cells <- c(before, after)
		v <- sapply(cells, var) / lengths(cells)
		se <- sqrt(sum(v))
		df <- sum(v)^2 / sum(v^2 / (lengths(cells) - 1))
	} else if (length(t) > 1) {
		test <- t.test(change[[2]], change[[1]])
		se <- test$stderr
		df <- unname(test$parameter)
	} else {
		se <- sd(change[[1]]) * sqrt(1 + 1 / length(c))
		df <- length(c) - 1
	}
	data.frame(name = name, estimate = estimate, se = se, df = df,
		ci_low = estimate - qt(0.975, df) * se, ci_high = estimate + qt(0.975, df) * se, p_value = 2 * pt(-abs(estimate / se), df),
		treated_units = length(t), control_units = length(c), is_paired = ifelse(is_paired, "true", "false"))
}
write_copy("differences_values", do.call(rbind, lapply(names(groups), function(name)
	do.call(rbind, lapply(names(groups[[name]]), function(group)
		do.call(rbind, lapply(seq_along(groups[[name]][[group]]), function(i)
			data.frame(name = name, unit = paste(group, i), is_treated = ifelse(group == "treated", "true", "false"),
				before_values = array_of(groups[[name]][[group]][[i]][[1]]), after_values = array_of(groups[[name]][[group]][[i]][[2]])))))))),
	c("-- \"digital take-up\" is made from test/data/uk_transactions.sql, which contains public", "-- sector information licensed under the Open Government Licence v3.0."))
write_copy("differences", rbind(
	do.call(rbind, lapply(names(groups), did, TRUE)),
	do.call(rbind, lapply(setdiff(names(groups), "one treated"), did, FALSE))))

# Trends: a unit's values on its days.
lines_of <- function(n, slope, spread, days = 10) lapply(1:n, function(i)
	list(day = seq_len(days) * 3 + i, value = 5 * i + (slope + spread * round(sin(i * 1.9), 3)) * (seq_len(days) * 3 + i) + round(cos(seq_len(days) * 2.1 + i), 3)))
trends <- list(
	"alike" = list(treated = lines_of(6, 0.5, 0.1), control = lines_of(9, 0.5, 0.1)),
	"apart" = list(treated = lines_of(4, 0.9, 0.1, 5), control = lines_of(9, 0.5, 0.2)),
	"one treated" = list(treated = lines_of(1, 0.9, 0.1), control = lines_of(5, 0.5, 0.2)))
slopes <- function(units) sapply(units, function(u) coef(lm(u$value ~ u$day))[[2]])
trend <- function(name, is_paired) {
	t <- trends[[name]]$treated
	c <- trends[[name]]$control
	if (!is_paired) {
		fit <- lapply(list(c, t), function(units) summary(lm(value ~ day, data.frame(
			value = unlist(lapply(units, `[[`, "value")), day = unlist(lapply(units, `[[`, "day"))))))
		v <- sapply(fit, function(f) f$coefficients[2, 2]^2)
		difference <- fit[[2]]$coefficients[2, 1] - fit[[1]]$coefficients[2, 1]
		se <- sqrt(sum(v))
		df <- sum(v)^2 / sum(v^2 / sapply(fit, function(f) f$df[2]))
	} else {
		difference <- mean(slopes(t)) - mean(slopes(c))
		if (length(t) > 1) {
			test <- t.test(slopes(t), slopes(c))
			se <- test$stderr
			df <- unname(test$parameter)
		} else {
			se <- sd(slopes(c)) * sqrt(1 + 1 / length(c))
			df <- length(c) - 1
		}
	}
	data.frame(name = name, slope_difference = difference, se = se, df = df, p_value = 2 * pt(-abs(difference / se), df),
		treated_units = length(t), control_units = length(c), is_paired = ifelse(is_paired, "true", "false"))
}
write_copy("trends_values", do.call(rbind, lapply(names(trends), function(name)
	do.call(rbind, lapply(names(trends[[name]]), function(group)
		do.call(rbind, lapply(seq_along(trends[[name]][[group]]), function(i)
			data.frame(name = name, unit = paste(group, i), is_treated = ifelse(group == "treated", "true", "false"),
				days = array_of(trends[[name]][[group]][[i]]$day), numbers = array_of(trends[[name]][[group]][[i]]$value)))))))))
write_copy("trends", rbind(
	do.call(rbind, lapply(names(trends), trend, TRUE)),
	do.call(rbind, lapply(names(trends), trend, FALSE))))

# Ranks.
rank_test <- function(name, before, after) {
	test <- wilcox.test(after, before) # exact or not as it sees fit; z is ours beside either
	m <- length(before)
	n <- length(after)
	ties <- table(rank(c(before, after)))
	sigma <- sqrt(m * n / 12 * ((m + n + 1) - sum(ties^3 - ties) / ((m + n) * (m + n - 1))))
	d <- unname(test$statistic) - m * n / 2
	data.frame(name = name, before_values = array_of(before), after_values = array_of(after),
		u = unname(test$statistic), z = (d - sign(d) * 0.5) / sigma, p_value = test$p.value,
		shift = median(outer(after, before, `-`)), before_n = m, after_n = n,
		is_exact = ifelse(m < 50 && n < 50 && !any(ties > 1), "true", "false"))
}
suppressWarnings(write_copy("ranks", rbind(
	rank_test("one against one", 1, 2),
	rank_test("three against four", c(1.1, 2.2, 3.3), c(2.5, 3.5, 4.5, 5.5)),
	rank_test("far apart", 1:10 + 0.5, 101:112),
	rank_test("the middle", c(1, 4, 5, 8), c(2, 3, 6, 7)),
	rank_test("49 against 49", wave(49, 10, 2) + (1:49) / 1e6, wave(49, 11, 3)),
	rank_test("50 against 20", wave(50, 10, 2) + (1:50) / 1e6, wave(20, 11, 3)),
	rank_test("20 against 50", wave(20, 10, 2) + (1:20) / 1e6, wave(50, 9, 3)),
	rank_test("ties", c(1, 2, 2, 3, 3, 3, 4), c(3, 3, 4, 4, 5)),
	rank_test("answers", rep(1:5, c(4, 2, 6, 9, 3)), rep(1:5, c(1, 1, 3, 9, 14))),
	rank_test("yes and no", rep(0:1, c(33, 27)), rep(0:1, c(21, 45))),
	# Student's sleep data (1908), as shipped with R.
	rank_test("sleep", sleep$extra[sleep$group == 1], sleep$extra[sleep$group == 2]),
	rank_test("a huge one", c(1, 2, 3, 4, 5, 6), c(7, 8, 9, 10, 11, 1e9)),
	rank_test("small p", wave(300, 0, 1), wave(280, 1.9, 1)))))

# Benjamini and Hochberg.
write_copy("q_values", do.call(rbind, Map(function(name, p) data.frame(name = name, p_values = array_of(p), q_values = array_of(p.adjust(p, "BH"))),
	c("the 15 of Benjamini and Hochberg 1995", "not sorted", "equal ones", "large ones", "one", "many"),
	list(
		# Neuhaus et al. 1992 on thrombolysis, as listed there, section 4.1
		c(0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1),
		c(0.2, 0.01, 0.9, 0.03, 0.5, 0.001), c(0.02, 0.02, 0.02, 0.5, 0.5), c(0.9, 1, 0.95), 0.3,
		round(abs(sin(1:60 * 1.7))^3, 6)))))
