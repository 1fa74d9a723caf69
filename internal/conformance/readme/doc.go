// Package readme holds the code blocks of the README, word for word, and the
// test that they are: what the README shows is what compiles and runs.
package readme
