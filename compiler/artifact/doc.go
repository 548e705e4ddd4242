// Package artifact holds what a build writes: a tree of files in memory, each line with its origin in the site.
//
// In come lines from the backends, through a File's cursor (plain text) or its YAML writer. Out go bytes, the manifest
// that lists them, and one replacement of the output directory.
//
// Terms:
//   - origin: the site paths ("racks.r3.tors.a.asn") whose values a line shows, and the rule or formula that made it
//   - base: the origin that every line of an object shares; File sets the first one, Begin the next ones
//   - cursor: what the following lines have besides the base; From sets it, Fixed clears it
//   - foreign file: a file of the output directory that no manifest lists; it is never changed or deleted
package artifact
