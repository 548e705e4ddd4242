package ir

// ServiceMark is what the mesh reads on one Service of the site, which is its owner's: meshgen makes no Services, so that
// labels and annotations reach it by a component of kustomize that the owner takes in, or by a command.
type ServiceMark struct {
	Namespace, Service  string
	Labels, Annotations []KV // by key
	Reasons             []string
	From                From
}
