package rules

import (
	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/site"
)

// meshRules are the rules about the mesh and its releases.
var meshRules = []*check.Rule{
	MeshRelease,
	RequestOverLimit,
	CiliumExclusive,
	CiliumSocketLB,
	AmbientMasquerade,
	CiliumMeshNetwork,
	WaypointMissing,
	WaypointUseless,
	WaypointSingle,
	ZtunnelMemory,
	WaypointHeadless,
	WaypointName,
	WaypointPassedBy,
	EgressByName,
	MeshOptionUnread,
	OptionUnmet,
	WaypointCanary,
	IntentWithoutMesh,
	UpgradeCanary,
	CanaryInProduction,
	AmbientCanary,
	TrustDomainDefault,
	ProxyMemory,
	HoldNative,
	ControlPlaneSingle,
	ControlPlaneNodes,
	EgressAllowAny,
	PermissiveForNobody,
	MigrationContradicts, MigrationOfNothing,
	MigrationOver,
	MigrationLeavesBehind,
	MigrationAheadOfCallers,
	MTLSOutside,
	StrictVMCaller,
	CAKind,
	CASecret,
	CAIssuer,
	CARoot,
	CAOutlivesRoot,
	WorkloadTTL,
	CADatesMissing,
	CAExpired,
	CAExpiresSoon,
	TTLOverIssuer,
	FederationGateway,
	FederationRoot,
	FederationTrust,
	TrustDomainAlias,
	FederationNetwork,
	FederationPeer,
	UnknownPeer,
	StreamPort,
	LinkerdIdentity,
	CiliumStrict,
	CiliumUnprinted,
	CiliumGatewayPods,
	CiliumGatewaysAlike,
	ConsulProtocols,
	ConsulPermissive,
	ConsulServers,
	ConsulService,
	ConsulHeadless,
	ConsulNames,
	ConsulGateway,
	ConsulCertificate,
	ConsulOutside,
	ConsulWithoutService,
	ConsulKeys,
	ConsulKeysServer,
	ConsulPlainToken,
	ConsulPrimary,
	ConsulAwayName,
	ConsulDatacenter,
	ConsulAPIUnreached,
}

// RequestOverLimit finds containers that ask for more than they may use.
var RequestOverLimit = &check.Rule{
	ID: "MG5002", Name: "request-over-limit", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `a container's request is more than its limit

The API server refuses such a pod, so no pod with a proxy would start any more.
Source: kubernetes pkg/apis/core/validation, ValidateResourceRequirements.`,
	Run: func(p *check.Pass) {
		compare := func(path string, r *site.ResourceRange) {
			if r != nil && r.Request != "" && r.Limit != "" && site.ParseMilli(r.Request) > site.ParseMilli(r.Limit) {
				p.Reportf(path+".request", "the request %s is more than the limit %s", r.Request, r.Limit).Hintf("a limit of %s at least, or a smaller request", r.Request).
					Related(path+".limit", "the limit")
			}
		}
		each := func(path string, r *site.Resources) {
			if r != nil {
				compare(path+".cpu", r.CPU)
				compare(path+".memory", r.Memory)
			}
		}
		each("mesh.proxy.resources", p.Site.Mesh.Proxy.Resources)
		if w := p.Site.Mesh.Waypoint; w != nil {
			each("mesh.waypoint.resources", w.Resources)
		}
	},
}

// MeshRelease finds a mesh release that no profile row describes.
var MeshRelease = &check.Rule{
	ID: "MG5001", Name: "unknown-mesh-release", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `no profile row describes the mesh's release

Its objects and chart values change between releases: what another takes may be refused, or worse, ignored.`,
	Run: func(p *check.Pass) {
		m := p.Site.Mesh
		prof := p.Profiles.Mesh(m.Kind)
		switch {
		case prof == nil: // there is none
		case m.Version == "" && prof.CNI != "": // it is released with the pod network
		case m.Version == "":
			p.Reportf("mesh", "mesh.version is missing: a mesh is installed by its charts, whose version is not a default").
				Hintf("mesh: version: one of %s", offeredMeshes(p))
		case prof.CNI != "" && m.Version != p.Site.Kubernetes.CNI.Version: // mesh-needs-cni says so
		case prof.Release(m.Version) == nil:
			p.Reportf("mesh.version", "no profile row describes %s %s", m.Kind, m.Version).Hintf("known: %s", offeredMeshes(p))
		}
	},
}
