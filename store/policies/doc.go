// Package policies is what stands between a table and those who use it: hooks,
// timestamps, bounds, expiry. A Table has the documents that are written and read go
// through the steps of every policy.
//
// JavaScript has the same in js/src/policies, by the same names. There documents are
// what programs handle; here they are decoded for the steps alone.
package policies
