# Bundler downloads the gems that are a part of Ruby when a lock names them. There is nowhere to
# download them from, so they are written down as installed: their code is in Ruby's own folders.
require "fileutils"

Gem::Specification.select(&:default_gem?).each do |spec|
  copy = spec.dup
  copy.extensions = []
  copy.executables = []
  copy.files = []
  FileUtils.mkdir_p [File.join(Gem.default_dir, "specifications"),
                     File.join(Gem.default_dir, "gems", spec.full_name, "lib")]
  File.write File.join(Gem.default_dir, "specifications", "#{spec.full_name}.gemspec"),
             copy.to_ruby_for_cache
end
