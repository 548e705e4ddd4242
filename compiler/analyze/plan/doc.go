// Package plan says what a change does to a running site, and in which steps it is made.
//
// In come the comparison of two states (package diff) and the plans of both. Out goes a Rollout: for each change its
// consequence, by the table of table.go; how far it reaches in machines, racks, addresses and namespaces; and waves, none of
// which holds both switches of a rack, two machines that pods of one gateway stand on, or two machines of the control plane.
// Each wave names what to do, what to look at before the next one, and the way back.
//
// What cannot be staged is no plan: the rules that judge a change (check/rules, MG9010 and the next ones) refuse it before.
package plan
