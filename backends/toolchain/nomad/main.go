// Makes the module more than empty, so that the requirement on the api module holds.
package main

import _ "github.com/hashicorp/nomad/api"

func main() {}
