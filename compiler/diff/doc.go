// Package diff compares two states of a site, or of a fleet, as what they are: Kubernetes objects, settings of hosts,
// statements of switches, values of charts. In come two sides, each a set of files with the origin of their lines and,
// where the description is at hand, its values. Out goes a Result, and its forms: text, Markdown, JSON, HTML.
//
// Every file is read into entities (an object of Kubernetes, a file of a host, the configuration of a switch), every
// entity into a tree of nodes. Nodes of both sides meet by their key, never by their place: a field by its name, an
// element of a list by its merge key, a statement by its words. So an order that means nothing is no difference, and one
// that means something (rules, arguments) is. What has no partner is looked for under another name.
//
// A difference is told together with the edits of the description that its lines come from. An entity whose tree is
// equal and whose text is not differs in comments or layout only.
//
// Text that is made for people is compared by lines; pages and pictures are left out, which draw what other files say. Comparison of YAML by itself, as dyff does it, knows neither origins nor
// line formats, and go-cmp is made for values in tests; so the trees are ours.
package diff
