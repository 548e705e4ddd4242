// Package schema embeds the language of meshgen as CUE source: definition #Site and what it is made of.
//
// In: nothing. Out: FS, the .cue files of CUE package "schema", module path "meshgen.dev/schema". Package load compiles
// them; editors and `cue vet` read the same files.
package schema

import "embed"

// FS holds the .cue files, all in its root.
//
//go:embed *.cue
var FS embed.FS
