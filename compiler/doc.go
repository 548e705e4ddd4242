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
//
// # Tests
//
// Tests of one package stand beside it. Here are those of all stages together, and of their output before who reads it:
//
//	golden_ changes_ install_ upgrade_      the trees of the examples, what is told of changes, the calls of scripts: bytes
//	policy_                                 who may call whom: the emitted policies, evaluated, against what the site declares
//	trace_ drill_ compare_                  what the analyses say, against each other and against the rules
//	neutral_ parity_ sweep_ metallb_        every intent in every mesh; every choice that the language has; choices combined
//	taint_                                  every field reaches an output, and every line names the fields behind it
//	mutants_ faults_ names_ fuzz_           mistakes made in trees, waivers, paths and texts: verify, the rules or the reader notice
//	federation_ gateway_ linkerd_ spire_    two sites in one run; parts of a mesh that no example has alone
//	cilium_                                 Cilium whose agents authenticate pods
//	restart_ restored_ patches_ service_    the same of speakers, incidents, patches and Services of others
//	replay_                                 what scripts leave in a cluster, call by call, there and back
//	real_ alerts_ dashboards_ documents_    files before the program that reads them: FRR, chrony, nft, promtool, kustomize, Chromium
//	values_ spans_                          values before what a chart reads; time spans before what every mesh reads
//	live_                                   programs that run: BGP, clocks, HAProxy and filters in network namespaces
//	checks_                                 checks/run.sh before recorded and running systems
//	lab_                                    the lab of containers
//	floors_ catalogue_ claims_ printed_     this repository: imports, catalogues, who reads what, releases, the README
//	readme_
//	bench_                                  what vet and build cost
//
// Programs that are missing skip their tests by name; with MESHGEN_REAL=require they fail. Golden files are rewritten with
// MESHGEN_UPDATE=1. The kube-apiserver is asked in compiler/realapi.
package compiler
