//go:build !race

package delivery_test

// variants is how many ways each world is played in.
const variants = 16
