//! A data set of scenes as files.

use std::io::{BufWriter, Error, ErrorKind, Write};
use std::path::Path;

use cutpoint_core::temporary::{self, TemporaryFile};
use serde::Serialize;

use super::factors::{Factors, HUES, ORIENTATIONS, SCENES, SIZES, Split, TYPES};
use super::render::{Noise, Renderer, sheet};
use super::{BYTES, SIDE, scenes};
use crate::dataset::DataError;
use crate::dataset::npy::write_header;

/// The files of a data set; the last one is written last.
pub const FILES: [&str; 4] = ["images.npy", "labels.csv", "sample.png", "dataset.toml"];

/// Images drawn between two looks at the clock.
const BATCH: usize = 1024;
/// Images on a side of the sample sheet.
const SAMPLE: usize = 8;

/// What data set is wanted.
#[derive(Debug, Clone, Copy)]
pub struct ShapesRequest {
    /// Images, 1 to [`SCENES`].
    pub count: u32,
    /// Decides which scenes, their order and the noise.
    pub seed: u64,
    /// Share of the pixels turned black or white, 0 to 1.
    pub noise: f64,
    /// Whether a data set in the same folder may be replaced.
    pub force: bool,
    /// Threads that draw; they do not change the result.
    pub threads: usize,
}

/// What was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct ShapesSummary {
    /// Images to learn from.
    pub train: usize,
    /// Images to test with.
    pub test: usize,
}

/// Draws a data set into `folder`, which is created if need be. `progress` is told how many images
/// are done, and returns whether to go on.
///
/// Every file is written under a temporary name; `dataset.toml` says the others are complete.
///
/// # Errors
/// The request makes no sense, the folder holds a data set already, a file cannot be written, or
/// `progress` said no.
pub fn write(
    folder: &Path,
    request: &ShapesRequest,
    progress: &mut dyn FnMut(usize) -> bool,
) -> Result<ShapesSummary, DataError> {
    check(request)?;
    if !request.force {
        refuse_existing(folder)?;
    }
    std::fs::create_dir_all(folder).map_err(DataError::write(folder))?;
    let scenes = scenes(request.count, request.seed);
    let renderer = Renderer::new(&scenes, request.threads);
    let [images, labels, sample, about] = FILES.map(|name| folder.join(name));
    let write = DataError::write;

    let images_file = temporary(folder, |file| {
        draw_images(file, &scenes, &renderer, request, progress)
    })
    .map_err(|error| match error.kind() {
        ErrorKind::Interrupted => DataError::Interrupted,
        _ => write(&images)(error),
    })?;
    let labels_file =
        temporary(folder, |file| list_labels(file, &scenes)).map_err(write(&labels))?;
    let sample_file = temporary(folder, |file| {
        draw_sample(file, &scenes, &renderer, request)
    })
    .map_err(write(&sample))?;
    let summary = summary(&scenes);
    let about_file =
        temporary(folder, |file| describe(file, request, summary)).map_err(write(&about))?;

    let _together = temporary::exchange();
    // old labels and an old description must not vouch for new images
    for path in [&about, &labels] {
        if path.exists() {
            std::fs::remove_file(path).map_err(write(path))?;
        }
    }
    for (file, path) in [
        (images_file, &images),
        (labels_file, &labels),
        (sample_file, &sample),
        (about_file, &about),
    ] {
        file.persist(path).map_err(write(path))?;
    }
    Ok(summary)
}

fn check(request: &ShapesRequest) -> Result<(), DataError> {
    let refuse = |text: String| Err(DataError::Request(text));
    if request.count == 0 {
        return refuse("--count 0: a data set needs at least one image".into());
    }
    if request.count > SCENES {
        return refuse(format!(
            "--count {}: there are {SCENES} different scenes ({HUES} floor hues x {HUES} wall hues x \
             {HUES} object hues x {SIZES} sizes x {TYPES} types x {ORIENTATIONS} orientations) and \
             none comes twice: ask for {SCENES} at most",
            request.count
        ));
    }
    if !(0.0..=1.0).contains(&request.noise) {
        return refuse(format!(
            "--noise {}: the share of noisy pixels lies between 0 and 1",
            request.noise
        ));
    }
    Ok(())
}

fn refuse_existing(folder: &Path) -> Result<(), DataError> {
    match FILES
        .map(|name| folder.join(name))
        .into_iter()
        .find(|path| path.exists())
    {
        Some(path) => Err(DataError::Exists { path }),
        None => Ok(()),
    }
}

/// A file without a name yet, filled by `fill`.
fn temporary(
    folder: &Path,
    fill: impl FnOnce(&mut dyn Write) -> Result<(), Error>,
) -> Result<TemporaryFile, Error> {
    let mut writer = BufWriter::new(TemporaryFile::new_in(folder)?);
    fill(&mut writer)?;
    writer.into_inner().map_err(|error| error.into_error())
}

fn draw_images(
    file: &mut dyn Write,
    scenes: &[Factors],
    renderer: &Renderer,
    request: &ShapesRequest,
    progress: &mut dyn FnMut(usize) -> bool,
) -> Result<(), Error> {
    write_header(file, &[scenes.len(), SIDE, SIDE, 3])?;
    for (batch, part) in scenes.chunks(BATCH).enumerate() {
        let first = batch * BATCH;
        file.write_all(&renderer.draw_all(part, first, &noise(request)))?;
        if !progress(first + part.len()) {
            return Err(ErrorKind::Interrupted.into());
        }
    }
    Ok(())
}

fn noise(request: &ShapesRequest) -> Noise {
    Noise {
        share: request.noise,
        seed: request.seed,
    }
}

fn list_labels(file: &mut dyn Write, scenes: &[Factors]) -> Result<(), Error> {
    writeln!(
        file,
        "split,floor_hue,wall_hue,object_hue,size,type,orientation,angle"
    )?;
    for scene in scenes {
        writeln!(
            file,
            "{},{},{},{},{},{},{},{:.4}",
            scene.split().name(),
            scene.floor_hue,
            scene.wall_hue,
            scene.object_hue,
            scene.size,
            scene.kind,
            scene.orientation,
            scene.angle_deg()
        )?;
    }
    Ok(())
}

fn draw_sample(
    file: &mut dyn Write,
    scenes: &[Factors],
    renderer: &Renderer,
    request: &ShapesRequest,
) -> Result<(), Error> {
    let shown = &scenes[..scenes.len().min(SAMPLE * SAMPLE)];
    let images = renderer.draw_all(shown, 0, &noise(request));
    debug_assert_eq!(images.len(), shown.len() * BYTES);
    let (pixels, width, height) = sheet(&images, SAMPLE);
    let encoder = image::codecs::png::PngEncoder::new(file);
    image::ImageEncoder::write_image(
        encoder,
        &pixels,
        width as u32,
        height as u32,
        image::ExtendedColorType::Rgb8,
    )
    .map_err(Error::other)
}

/// `dataset.toml`.
#[derive(Serialize)]
struct About<'a> {
    format: u8,
    kind: &'a str,
    count: u32,
    seed: u64,
    noise: f64,
    train: usize,
    test: usize,
    image: [usize; 3],
    made_by: String,
    split: &'a str,
    factors: Classes,
}

/// Number of classes of each factor.
#[derive(Serialize)]
struct Classes {
    floor_hue: u8,
    wall_hue: u8,
    object_hue: u8,
    size: u8,
    #[serde(rename = "type")]
    kind: u8,
    orientation: u8,
}

fn describe(
    file: &mut dyn Write,
    request: &ShapesRequest,
    summary: ShapesSummary,
) -> Result<(), Error> {
    let about = About {
        format: 1,
        kind: "shapes",
        count: request.count,
        seed: request.seed,
        noise: request.noise,
        train: summary.train,
        test: summary.test,
        image: [SIDE, SIDE, 3],
        made_by: format!(
            "cutpoint dataset shapes --count {} --seed {} --noise {}",
            request.count, request.seed, request.noise
        ),
        split: "test = (2 * floor_hue + wall_hue) is a multiple of 5",
        factors: Classes {
            floor_hue: HUES,
            wall_hue: HUES,
            object_hue: HUES,
            size: SIZES,
            kind: TYPES,
            orientation: ORIENTATIONS,
        },
    };
    let text = toml::to_string(&about).map_err(Error::other)?;
    file.write_all(text.as_bytes())
}

fn summary(scenes: &[Factors]) -> ShapesSummary {
    let test = scenes.iter().filter(|scene| scene.split() == Split::Test);
    let test = test.count();
    ShapesSummary {
        train: scenes.len() - test,
        test,
    }
}
