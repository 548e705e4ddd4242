// Package load reads site descriptions.
//
// In: files in CUE, YAML or JSON, or their bytes. Out: a Source, which holds the typed site, or findings: every fault
// of structure that the files have, each with its line. What holds across fields is the business of package check,
// with one exception: options for a kind that is not chosen are refused here.
//
// CUE itself decides whether a file is a site, by unifying it with the embedded schema. Only when that fails, a walk
// of what the user wrote along the tree of the language (see Shape) explains why.
package load

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"sync"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/build"
	"cuelang.org/go/cue/cuecontext"

	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/parallel"
	"meshgen.dev/meshgen/compiler/site"
)

// MaxSize is the largest input in bytes, all files of one site together.
const MaxSize = 16 << 20

// Options says how to read. The zero value reads files only.
type Options struct {
	Stdin     io.Reader // read for the path "-"; nil: "-" is refused
	StdinName string    // its name in positions; default "-"; its ending tells the format, CUE when it has none
}

// Loader loads one site after another with one compiled schema. It must not be used concurrently; every worker of a
// fleet has its own. What it returns may outlive it.
type Loader struct {
	mu     *sync.Mutex // guards the CUE context, which the Sources made from it share
	ctx    *cue.Context
	schema cue.Value
	uses   int
	files  []file // of the site being loaded
}

// renewAfter bounds what a CUE context accumulates: it keeps some 100 KiB of each site for ever.
const renewAfter = 32

// NewLoader returns a Loader.
func NewLoader() *Loader { return &Loader{} }

// Files loads the one site that the paths describe together: a file (.cue, .yaml, .yml or .json), a folder with the
// files of a CUE package, or "-". The Source is nil when there is an error among the findings.
func Files(paths []string, opt Options) (*Source, diag.List) { return NewLoader().Files(paths, opt) }

// Bytes loads a site from memory. The name's ending tells the format, CUE when it has none.
func Bytes(name string, data []byte) (*Source, diag.List) { return NewLoader().Bytes(name, data) }

// Files is the function Files with this Loader's schema.
func (l *Loader) Files(paths []string, opt Options) (*Source, diag.List) {
	files, faults := readAll(paths, opt)
	if len(faults) > 0 {
		return nil, faults.Sorted()
	}
	return l.load(files)
}

// Bytes is the function Bytes with this Loader's schema.
func (l *Loader) Bytes(name string, data []byte) (*Source, diag.List) {
	return l.load([]file{{name: name, data: data}})
}

func (l *Loader) load(files []file) (_ *Source, faults diag.List) {
	defer func() {
		// CUE's evaluator has been seen to panic on malformed input; its context is of no use afterwards.
		if p := recover(); p != nil {
			l.ctx = nil
			faults = diag.List{internalFault(fmt.Errorf("%v", p))}
		}
	}()
	l.files = files
	// CUE passes over an optional field at a place where the language has none; see passedOver.
	optional := slices.ContainsFunc(files, func(f file) bool { return bytes.Contains(f.data, []byte("?:")) })
	var inst *build.Instance
	var failed error
	parallel.Do(
		func() { inst, faults = parse(files) },
		func() { failed = l.renew() },
	)
	switch {
	case len(faults) > 0:
		return nil, faults.Sorted()
	case failed != nil:
		return nil, diag.List{internalFault(failed)}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	user := l.ctx.BuildInstance(inst)
	if inst.Err != nil {
		return nil, unresolved(inst.Err).Sorted()
	}
	if broken(user) {
		return nil, l.explainAlone(user)
	}
	// CUE lets several goroutines ask and unify values; see its package cue.
	var merged cue.Value
	var invalid, open error
	parallel.Do(
		func() {
			merged = l.schema.Unify(user)
			invalid = merged.Validate(cue.Concrete(true))
		},
		func() {
			open = user.Validate(cue.Concrete(true))
			faults = otherKinds(user)
		},
	)
	if invalid != nil {
		return nil, l.explain(user, merged, invalid)
	}
	resolved, err := export(merged)
	if err != nil {
		return nil, diag.List{internalFault(err)}
	}
	src := &Source{Site: new(site.Site), mu: l.mu, user: user, raw: resolved, files: files}
	if err := json.Unmarshal(resolved, src.Site); err != nil {
		return nil, diag.List{internalFault(err)}
	}
	if optional || open != nil {
		faults = append(faults, l.passedOver(user, merged)...)
	}
	if len(faults) > 0 {
		return nil, collapse(faults)
	}
	return src, nil
}

// renew gives the loader a context for the next site.
func (l *Loader) renew() error {
	if l.ctx != nil && l.uses < renewAfter {
		l.uses++
		return nil
	}
	ctx := cuecontext.New()
	schema, err := compileSchema(ctx)
	if err != nil {
		return err
	}
	*l = Loader{mu: new(sync.Mutex), ctx: ctx, schema: schema, uses: 1, files: l.files}
	return nil
}
