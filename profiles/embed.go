// Package profiles embeds what meshgen knows of the systems that it generates for: meshes, load balancers, pod networks,
// host and switch operating systems, Kubernetes and its installers.
//
// In: the CUE files of the folders, each row with its source and date. Out: FS, the same as JSON, one file a kind;
// package profile reads it. FS has the definitions as well (common.cue, <kind>/shape.cue), for profiles of a team's own.
// `go generate` renews the JSON, and a test fails when it is stale.
package profiles

import "embed"

//go:generate go run ./gen

// FS holds json/<kind>.json: a map from the name of a profile to the profile.
//
//go:embed json/*.json common.cue */shape.cue
var FS embed.FS
