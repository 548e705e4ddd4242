// Package compiler turns the description of a site into everything that a service mesh needs on its metal.
//
// Stages, each a package, each with one type in and one out; a stage reports all of its faults, then gates:
//
//	load      files            → *load.Source      the typed site, and the position of every path of it
//	check     *site.Site       → diag.List         rules about what the site says
//	lower     *site.Site       → *ir.Plan          every default, session, address owner, setting and policy edge decided
//	check     *ir.Plan         → diag.List         rules about what follows from it
//	backend/… *ir.Plan         → *artifact.Tree    printers; each line with the site paths that it comes from
//	verify    *artifact.Tree   → diag.List         the tree read back with schemas, grammars and references
//	artifact  *artifact.Tree   → disk              one swap of directories
//
// Imports go downwards only, by the floors of floors_test.go. The list of backends is in targets.go; the list of rules
// in check/rules. To find where a fact becomes a line of output: the field in site, the record in lower that names its
// path, the backend that prints the record.
package compiler
