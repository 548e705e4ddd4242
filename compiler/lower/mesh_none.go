package lower

import "meshgen.dev/meshgen/compiler/ir"

// noMesh is a site without a mesh: no proxies, no identities; network policies and gateways alone.
var noMesh = meshKind{
	inject:       func(*lowering, *ir.Namespace) {},
	namespaces:   func(*lowering) []ownNamespace { return nil },
	releases:     func(*lowering) []ir.Release { return nil },
	gateway:      func(*lowering, *ir.Gateway) {}, // every gateway has a program
	step:         func(*lowering, *ir.ChartStep) {},
	certificates: func(*lowering) []ir.Rule { return nil },
	pushes:       func(*lowering) []ir.Rule { return nil },
	metrics:      func(*lowering) []needed { return nil },
	monitors:     func(*lowering) []ir.Monitor { return nil },
	machines:     machineSlices,
}
