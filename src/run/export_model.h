#pragma once

#include <filesystem>

namespace coterie {

/// A form in which other programs read a run's model.
enum class ModelForm {
  torchscript,  ///< model.pt, a program that gives labels: see torchscript_of
  safetensors,  ///< model.safetensors, the tensors alone
};

/// Writes the model of a finished run into the new or empty folder `to`, with a model.json that
/// says what goes in (shape, range, normalisation), what comes out, and the name, type and shape of
/// each tensor. Returns the model's file. Throws UserError where `to` holds anything, or the method
/// has no form of that kind.
std::filesystem::path export_model(const std::filesystem::path& run,
                                   const std::filesystem::path& to, ModelForm form);

}  // namespace coterie
