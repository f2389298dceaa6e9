// Package lint holds the rules of this code base that the compiler does not, as tests over its own sources.
//
//   - imports_test.go: which package may import which, and where each dependency may appear.
//   - rules_test.go: what no file may contain, such as a sleeping test or an unexplained panic.
//   - layout_test.go: what stands at the top of the tree, and what no tracked file may say.
//   - selftest_test.go: sources that break each rule, since a rule that finds nothing looks like one that is kept.
//   - tree_test.go: finding and parsing the files. Nothing is compiled, so that half-written packages can be checked.
//
// Each table of exceptions stands at the top of its file. A new entry is a decision: it says why beside it.
package lint
