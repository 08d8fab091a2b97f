# SPDX-License-Identifier: Apache-2.0
# @NAME@ answers "Hello, <path>!". What is required here is loaded once, when the function is
# deployed; rack.rb calls the application for each request.
APP = lambda do |env|
  name = env["PATH_INFO"].delete_prefix("/")
  name = "world" if name.empty?
  [200, { "content-type" => "text/plain; charset=utf-8" }, ["Hello, #{name}!\n"]]
end
