"""What is wrong for longer than five minutes becomes an alarm, by a clock of the test's own."""
