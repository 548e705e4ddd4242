// Command gen evaluates the profiles and writes them as JSON, one file a kind, for embedding: CUE at run time would cost
// milliseconds a file.
//
// In: the CUE packages in the folders beside this one. Out: json/<kind>.json, keys sorted, so that the same profiles
// give the same bytes. Run by `go generate` in the parent folder.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/cuecontext"
	"cuelang.org/go/cue/errors"
	"cuelang.org/go/cue/load"
)

// Kinds are the kinds of profile: each is a folder, and a field of that name in its package.
var kinds = []string{"cni", "distribution", "gateway", "kubernetes", "loadbalancer", "mesh", "os", "switch"}

func main() {
	if err := write("."); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// write evaluates the profiles below dir and writes dir/json.
func write(dir string) error {
	for _, kind := range kinds {
		data, err := evaluate(dir, kind)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, "json", kind+".json"), data, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// evaluate returns the profiles of one kind as indented JSON. All faults of the folder are in the error.
func evaluate(dir, kind string) ([]byte, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	// No registry is asked: the profiles import nothing but CUE's own packages.
	in := load.Instances([]string{"./" + kind}, &load.Config{Dir: dir, Env: []string{"CUE_REGISTRY=none"}})[0]
	if in.Err != nil {
		return nil, fmt.Errorf("%s", errors.Details(in.Err, &errors.Config{Cwd: dir}))
	}
	v := cuecontext.New().BuildInstance(in).LookupPath(cue.MakePath(cue.Str(kind)))
	if err := v.Validate(cue.Concrete(true), cue.All()); err != nil {
		return nil, fmt.Errorf("%s", errors.Details(err, &errors.Config{Cwd: dir}))
	}
	data, err := v.MarshalJSON()
	if err != nil {
		return nil, err
	}
	var fields map[string]any
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber() // 0.5 stays 0.5
	if err := d.Decode(&fields); err != nil {
		return nil, err
	}
	data, err = json.MarshalIndent(fields, "", "\t")
	return append(data, '\n'), err
}
